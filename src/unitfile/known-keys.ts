/**
 * The keys of every section, of systemd up to 257 (`systemd --dump-configuration-items`) and of Quadlet, podman 5.8 and what 6.0 adds so far. Names that
 * systemd still takes and no longer documents are among them.
 */

const words = (text: string): readonly string[] => text.split(/\s+/);

/** systemd.resource-control(5) */
const cgroup = words(`AllowedCPUs AllowedMemoryNodes BPFProgram BlockIOAccounting BlockIODeviceWeight BlockIOReadBandwidth BlockIOWeight BlockIOWriteBandwidth CPUAccounting
    CPUQuota CPUQuotaPeriodSec CPUShares CPUWeight CoredumpReceive DefaultMemoryLow DefaultMemoryMin DefaultStartupMemoryLow Delegate DelegateSubgroup
    DeviceAllow DevicePolicy DisableControllers IOAccounting IODeviceLatencyTargetSec IODeviceWeight IOReadBandwidthMax IOReadIOPSMax IOWeight
    IOWriteBandwidthMax IOWriteIOPSMax IPAccounting IPAddressAllow IPAddressDeny IPEgressFilterPath IPIngressFilterPath ManagedOOMMemoryPressure
    ManagedOOMMemoryPressureDurationSec ManagedOOMMemoryPressureLimit ManagedOOMPreference ManagedOOMSwap MemoryAccounting MemoryHigh MemoryLimit MemoryLow
    MemoryMax MemoryMin MemoryPressureThresholdSec MemoryPressureWatch MemorySwapMax MemoryZSwapMax MemoryZSwapWriteback NFTSet RestrictNetworkInterfaces
    Slice SocketBindAllow SocketBindDeny StartupAllowedCPUs StartupAllowedMemoryNodes StartupBlockIOWeight StartupCPUShares StartupCPUWeight
    StartupIOWeight StartupMemoryHigh StartupMemoryLow StartupMemoryMax StartupMemorySwapMax StartupMemoryZSwapMax TasksAccounting TasksMax`);

/** systemd.exec(5) */
const exec = words(`AmbientCapabilities AppArmorProfile BindLogSockets BindPaths BindReadOnlyPaths CPUAffinity CPUSchedulingPolicy CPUSchedulingPriority
    CPUSchedulingResetOnFork CacheDirectory CacheDirectoryMode CapabilityBoundingSet ConfigurationDirectory ConfigurationDirectoryMode CoredumpFilter
    DynamicUser Environment EnvironmentFile ExecPaths ExecSearchPath ExtensionDirectories ExtensionImagePolicy ExtensionImages Group IOSchedulingClass
    IOSchedulingPriority IPCNamespacePath IgnoreSIGPIPE ImportCredential InaccessibleDirectories InaccessiblePaths KeyringMode LimitAS LimitCORE LimitCPU
    LimitDATA LimitFSIZE LimitLOCKS LimitMEMLOCK LimitMSGQUEUE LimitNICE LimitNOFILE LimitNPROC LimitRSS LimitRTPRIO LimitRTTIME LimitSIGPENDING LimitSTACK
    LoadCredential LoadCredentialEncrypted LockPersonality LogExtraFields LogFilterPatterns LogLevelMax LogNamespace LogRateLimitBurst
    LogRateLimitIntervalSec LogsDirectory LogsDirectoryMode MemoryDenyWriteExecute MemoryKSM MountAPIVFS MountFlags MountImagePolicy MountImages NUMAMask
    NUMAPolicy NetworkNamespacePath Nice NoExecPaths NoNewPrivileges OOMScoreAdjust PAMName PassEnvironment Personality PrivateDevices PrivateIPC
    PrivateMounts PrivateNetwork PrivatePIDs PrivateTmp PrivateUsers ProcSubset ProtectClock ProtectControlGroups ProtectHome ProtectHostname
    ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem ReadOnlyDirectories ReadOnlyPaths ReadWriteDirectories
    ReadWritePaths RemoveIPC RestrictAddressFamilies RestrictFileSystems RestrictNamespaces RestrictRealtime RestrictSUIDSGID RootDirectory RootEphemeral
    RootHash RootHashSignature RootImage RootImageOptions RootImagePolicy RootVerity RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve
    SELinuxContext SecureBits SetCredential SetCredentialEncrypted SetLoginEnvironment SmackProcessLabel StandardError StandardInput StandardInputData
    StandardInputText StandardOutput StateDirectory StateDirectoryMode SupplementaryGroups SyslogFacility SyslogIdentifier SyslogLevel SyslogLevelPrefix
    SystemCallArchitectures SystemCallErrorNumber SystemCallFilter SystemCallLog TTYColumns TTYPath TTYReset TTYRows TTYVHangup TTYVTDisallocate
    TemporaryFileSystem TimeoutCleanSec TimeoutSec TimerSlackNSec UMask UnsetEnvironment User UtmpIdentifier UtmpMode WorkingDirectory`);

/** systemd.kill(5) */
const kill = words(`FinalKillSignal KillMode KillSignal RestartKillSignal SendSIGHUP SendSIGKILL WatchdogSignal`);

/** Keys by section. */
export const knownKeys: Readonly<Record<string, readonly string[]>> = {
  Unit: [...words(`After AllowIsolate AssertACPower AssertArchitecture AssertCPUFeature AssertCPUPressure AssertCPUs AssertCapability AssertControlGroupController
    AssertCredential AssertDirectoryNotEmpty AssertEnvironment AssertFileIsExecutable AssertFileNotEmpty AssertFirstBoot AssertGroup AssertHost
    AssertIOPressure AssertKernelCommandLine AssertKernelVersion AssertMemory AssertMemoryPressure AssertNeedsUpdate AssertOSRelease AssertPathExists
    AssertPathExistsGlob AssertPathIsDirectory AssertPathIsEncrypted AssertPathIsMountPoint AssertPathIsReadWrite AssertPathIsSymbolicLink AssertSecurity
    AssertUser AssertVirtualization Before BindTo BindsTo CollectMode ConditionACPower ConditionArchitecture ConditionCPUFeature ConditionCPUPressure
    ConditionCPUs ConditionCapability ConditionControlGroupController ConditionCredential ConditionDirectoryNotEmpty ConditionEnvironment
    ConditionFileIsExecutable ConditionFileNotEmpty ConditionFirmware ConditionFirstBoot ConditionGroup ConditionHost ConditionIOPressure
    ConditionKernelCommandLine ConditionKernelVersion ConditionMemory ConditionMemoryPressure ConditionNeedsUpdate ConditionOSRelease ConditionPathExists
    ConditionPathExistsGlob ConditionPathIsDirectory ConditionPathIsEncrypted ConditionPathIsMountPoint ConditionPathIsReadWrite
    ConditionPathIsSymbolicLink ConditionSecurity ConditionUser ConditionVirtualization Conflicts DefaultDependencies Description Documentation
    FailureAction FailureActionExitStatus IgnoreOnIsolate JobRunningTimeoutSec JobTimeoutAction JobTimeoutRebootArgument JobTimeoutSec JoinsNamespaceOf
    OnFailure OnFailureIsolate OnFailureJobMode OnSuccess OnSuccessJobMode PartOf PropagateReloadFrom PropagateReloadTo PropagatesReloadTo PropagatesStopTo
    RebootArgument RefuseManualStart RefuseManualStop ReloadPropagatedFrom Requires RequiresMountsFor RequiresOverridable Requisite RequisiteOverridable
    SourcePath StartLimitAction StartLimitBurst StartLimitInterval StartLimitIntervalSec StopPropagatedFrom StopWhenUnneeded SuccessAction
    SuccessActionExitStatus SurviveFinalKillSignal Upholds Wants WantsMountsFor`)],
  Service: [...cgroup, ...exec, ...kill, ...words(`BusName ExecCondition ExecReload ExecStart ExecStartPost ExecStartPre ExecStop ExecStopPost ExitType FailureAction FileDescriptorStoreMax
    FileDescriptorStorePreserve GuessMainPID NonBlocking NotifyAccess OOMPolicy OpenFile PIDFile PermissionsStartOnly RebootArgument ReloadSignal
    RemainAfterExit Restart RestartForceExitStatus RestartMaxDelaySec RestartMode RestartPreventExitStatus RestartSec RestartSteps RootDirectoryStartOnly
    RuntimeMaxSec RuntimeRandomizedExtraSec Sockets StartLimitAction StartLimitBurst StartLimitInterval SuccessExitStatus TimeoutAbortSec
    TimeoutStartFailureMode TimeoutStartSec TimeoutStopFailureMode TimeoutStopSec Type USBFunctionDescriptors USBFunctionStrings WatchdogSec`)],
  Socket: [...cgroup, ...exec, ...kill, ...words(`Accept Backlog BindIPv6Only BindToDevice Broadcast DeferAcceptSec DirectoryMode ExecStartPost ExecStartPre ExecStopPost ExecStopPre FileDescriptorName
    FlushPending FreeBind IPTOS IPTTL KeepAlive KeepAliveIntervalSec KeepAliveProbes KeepAliveTimeSec ListenDatagram ListenFIFO ListenMessageQueue
    ListenNetlink ListenSequentialPacket ListenSpecial ListenStream ListenUSBFunction Mark MaxConnections MaxConnectionsPerSource MessageQueueMaxMessages
    MessageQueueMessageSize NoDelay PassCredentials PassFileDescriptorsToExec PassPacketInfo PassSecurity PipeSize PollLimitBurst PollLimitIntervalSec
    Priority ReceiveBuffer RemoveOnStop ReusePort SELinuxContextFromNet SendBuffer Service SmackLabel SmackLabelIPIn SmackLabelIPOut SocketGroup SocketMode
    SocketProtocol SocketUser Symlinks TCPCongestion Timestamping Transparent TriggerLimitBurst TriggerLimitIntervalSec Writable`)],
  Mount: [...cgroup, ...exec, ...kill, ...words(`DirectoryMode ForceUnmount LazyUnmount Options ReadWriteOnly SloppyOptions Type What Where`)],
  Automount: [...words(`DirectoryMode ExtraOptions TimeoutIdleSec Where`)],
  Swap: [...cgroup, ...exec, ...kill, ...words(`Options Priority What`)],
  Timer: [...words(`AccuracySec DeferReactivation FixedRandomDelay OnActiveSec OnBootSec OnCalendar OnClockChange OnStartupSec OnTimezoneChange OnUnitActiveSec
    OnUnitInactiveSec Persistent RandomizedDelaySec RemainAfterElapse Unit WakeSystem`)],
  Path: [...words(`DirectoryMode DirectoryNotEmpty MakeDirectory PathChanged PathExists PathExistsGlob PathModified TriggerLimitBurst TriggerLimitIntervalSec Unit`)],
  Slice: cgroup,
  Scope: [...cgroup, ...kill, ...words(`OOMPolicy RuntimeMaxSec RuntimeRandomizedExtraSec TimeoutStopSec`)],
  Install: [...words(`Alias Also DefaultInstance RequiredBy UpheldBy WantedBy`)],
  Container: words(`AddCapability AddDevice AddHost Annotation AppArmor AutoUpdate CgroupsMode ContainerName ContainersConfModule DNS DNSOption DNSSearch DropCapability
    Entrypoint Environment EnvironmentFile EnvironmentHost Exec ExposeHostPort GIDMap GlobalArgs Group GroupAdd HealthCmd HealthInterval
    HealthLogDestination HealthMaxLogCount HealthMaxLogSize HealthOnFailure HealthRetries HealthStartPeriod HealthStartupCmd HealthStartupInterval
    HealthStartupRetries HealthStartupSuccess HealthStartupTimeout HealthTimeout HostName HttpProxy IP IP6 Image Label LogDriver LogOpt Mask Memory Mount
    Network NetworkAlias NoNewPrivileges Notify PidsLimit Pod PodmanArgs PublishPort Pull ReadOnly ReadOnlyTmpfs ReloadCmd ReloadSignal RemapGid RemapUid
    RemapUidSize RemapUsers Retry RetryDelay Rootfs RunInit SeccompProfile Secret SecurityLabelDisable SecurityLabelFileType SecurityLabelLevel
    SecurityLabelNested SecurityLabelType ServiceName ShmSize StartWithPod StopSignal StopTimeout SubGIDMap SubUIDMap Sysctl Timezone Tmpfs UIDMap Ulimit
    Unmask User UserNS VolatileTmp Volume WorkingDir`),
  Volume: words(`ContainersConfModule Copy Device Driver GID GlobalArgs Group Image Label Options PodmanArgs ServiceName Type UID User VolumeName`),
  Network: words(`ContainersConfModule DNS DisableDNS Driver Gateway GlobalArgs IPAMDriver IPRange IPv6 InterfaceName Internal Label NetworkDeleteOnStop NetworkName
    Options PodmanArgs ServiceName Subnet`),
  Kube: words(`AutoUpdate ConfigMap ContainersConfModule ExitCodePropagation GlobalArgs KubeDownForce LogDriver LogOpt Network PodmanArgs PublishPort RemapGid
    RemapUid RemapUidSize RemapUsers ServiceName SetWorkingDirectory UserNS Yaml`),
  Image: words(`AllTags Arch AuthFile CertDir ContainersConfModule Creds DecryptionKey GlobalArgs Image ImageTag OS PodmanArgs Policy Retry RetryDelay ServiceName
    TLSVerify Variant`),
  Build: words(`Annotation Arch AuthFile BuildArg ContainersConfModule DNS DNSOption DNSSearch Environment File ForceRM GlobalArgs GroupAdd IgnoreFile ImageTag Label
    Network PodmanArgs Pull Retry RetryDelay Secret ServiceName SetWorkingDirectory TLSVerify Target Variant Volume`),
  Artifact: words(`Artifact AuthFile CertDir ContainersConfModule Creds DecryptionKey GlobalArgs PodmanArgs Quiet Retry RetryDelay ServiceName TLSVerify`),
  Pod: words(`AddHost ContainersConfModule DNS DNSOption DNSSearch ExitPolicy GIDMap GlobalArgs HostName IP IP6 Label Network NetworkAlias PodName PodmanArgs
    PublishPort RemapGid RemapUid RemapUidSize RemapUsers ServiceName ShmSize StopTimeout SubGIDMap SubUIDMap UIDMap UserNS Volume`),
  Quadlet: words(`DefaultDependencies`),
};

/** Keys, of whatever section of systemd's, whose values are of one simple kind everywhere. */
export const simpleKinds: Readonly<Record<'boolean' | 'timeSpan' | 'mode' | 'signal' | 'unsigned' | 'integer' | 'size', readonly string[]>> = {
  boolean: words(`Accept AllowIsolate BlockIOAccounting Broadcast CPUAccounting CPUSchedulingResetOnFork CoredumpReceive DefaultDependencies DeferReactivation
    DynamicUser FixedRandomDelay FlushPending ForceUnmount FreeBind GuessMainPID IOAccounting IPAccounting IgnoreOnIsolate IgnoreSIGPIPE KeepAlive
    LazyUnmount LockPersonality MakeDirectory MemoryAccounting MemoryDenyWriteExecute MemoryZSwapWriteback NoDelay NoNewPrivileges NonBlocking
    OnClockChange OnFailureIsolate OnTimezoneChange PassCredentials PassFileDescriptorsToExec PassPacketInfo PassSecurity PermissionsStartOnly Persistent
    PrivateDevices PrivateIPC PrivateNetwork ProtectClock ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ReadWriteOnly
    RefuseManualStart RefuseManualStop RemainAfterElapse RemainAfterExit RemoveIPC RemoveOnStop RestrictRealtime RestrictSUIDSGID ReusePort
    RootDirectoryStartOnly RootEphemeral SELinuxContextFromNet SendSIGHUP SendSIGKILL SloppyOptions StopWhenUnneeded SurviveFinalKillSignal
    SyslogLevelPrefix TTYReset TTYVHangup TTYVTDisallocate TasksAccounting Transparent WakeSystem Writable`),
  mode: words(`CacheDirectoryMode ConfigurationDirectoryMode DirectoryMode LogsDirectoryMode RuntimeDirectoryMode SocketMode
    StateDirectoryMode UMask`),
  timeSpan: words(`AccuracySec CPUQuotaPeriodSec DeferAcceptSec JobRunningTimeoutSec JobTimeoutSec KeepAliveIntervalSec KeepAliveTimeSec LogRateLimitIntervalSec
    ManagedOOMMemoryPressureDurationSec MemoryPressureThresholdSec OnActiveSec OnBootSec OnStartupSec OnUnitActiveSec OnUnitInactiveSec
    PollLimitIntervalSec RandomizedDelaySec RestartMaxDelaySec RestartSec RuntimeMaxSec RuntimeRandomizedExtraSec StartLimitInterval
    StartLimitIntervalSec TimeoutAbortSec TimeoutCleanSec TimeoutIdleSec TimeoutSec TimeoutStartSec TimeoutStopSec TriggerLimitIntervalSec
    WatchdogSec`),
  signal: words(`FinalKillSignal KillSignal ReloadSignal RestartKillSignal WatchdogSignal`),
  unsigned: words(`Backlog FileDescriptorStoreMax KeepAliveProbes LogRateLimitBurst MaxConnections MaxConnectionsPerSource PollLimitBurst RestartSteps StartLimitBurst
    TriggerLimitBurst`),
  integer: words(`IPTTL Mark`),
  size: words(`PipeSize ReceiveBuffer SendBuffer`),
};

/** Keys whose values are one of a few words, with the section where others have the key, too; `boolean` stands for yes, no and all their kind. */
export const wordKinds: Readonly<Record<string, string>> = {
  'Service/Type': 'simple exec forking oneshot dbus notify notify-reload idle', Restart: 'no on-success on-failure on-abnormal on-abort on-watchdog always',
  RestartMode: 'normal direct debug', NotifyAccess: 'none main exec all', ExitType: 'main cgroup', OOMPolicy: 'continue stop kill',
  TimeoutStartFailureMode: 'terminate abort kill', TimeoutStopFailureMode: 'terminate abort kill', KillMode: 'control-group mixed process none',
  DevicePolicy: 'auto closed strict', ManagedOOMSwap: 'auto kill', ManagedOOMMemoryPressure: 'auto kill', ManagedOOMPreference: 'none avoid omit',
  ProtectSystem: 'boolean full strict', ProtectHome: 'boolean read-only tmpfs', PrivateTmp: 'boolean disconnected', PrivateUsers: 'boolean self identity',
  ProtectProc: 'noaccess invisible ptraceable default', ProcSubset: 'all pid', KeyringMode: 'inherit private shared',
  RuntimeDirectoryPreserve: 'boolean restart', BindIPv6Only: 'boolean default both ipv6-only', CollectMode: 'inactive inactive-or-failed',
};

/** Sections that systemd itself reads. What Quadlet's hold, podman reads in ways of its own. */
export const systemdSections: ReadonlySet<string> = new Set(['Unit', 'Install', 'Service', 'Socket', 'Mount', 'Automount', 'Swap', 'Timer', 'Path', 'Slice', 'Scope']);

/** Keys of one value that an empty assignment does not set back: systemd cannot read it and passes it over (252 and 257). */
const keptWhenEmpty = new Set(words(`Accept AccuracySec AllowIsolate Backlog BindIPv6Only BlockIOAccounting Broadcast BusName CPUAccounting CPUSchedulingPriority CPUSchedulingResetOnFork
    CacheDirectoryMode CollectMode ConfigurationDirectoryMode CoredumpReceive DefaultDependencies DeferAcceptSec DeferReactivation DevicePolicy
    DirectoryMode DynamicUser ExitType FailureAction FileDescriptorStoreMax FileDescriptorStorePreserve FinalKillSignal FixedRandomDelay FlushPending
    ForceUnmount FreeBind GuessMainPID IOAccounting IPAccounting IPTTL IgnoreOnIsolate IgnoreSIGPIPE JobRunningTimeoutSec JobTimeoutAction
    JobTimeoutSec KeepAlive KeepAliveIntervalSec KeepAliveProbes KeepAliveTimeSec KeyringMode KillSignal LazyUnmount LimitAS LimitCORE LimitCPU
    LimitDATA LimitFSIZE LimitLOCKS LimitMEMLOCK LimitMSGQUEUE LimitNICE LimitNOFILE LimitNPROC LimitRSS LimitRTPRIO LimitRTTIME LimitSIGPENDING
    LimitSTACK LockPersonality LogLevelMax LogRateLimitBurst LogRateLimitIntervalSec LogsDirectoryMode MakeDirectory ManagedOOMPreference Mark
    MaxConnections MaxConnectionsPerSource MemoryAccounting MemoryDenyWriteExecute MemoryPressureThresholdSec MemoryPressureWatch MemoryZSwapWriteback
    MessageQueueMaxMessages MessageQueueMessageSize NoDelay NoNewPrivileges NonBlocking NotifyAccess OOMPolicy OnClockChange OnFailureIsolate
    OnFailureJobMode OnSuccessJobMode OnTimezoneChange PassCredentials PassFileDescriptorsToExec PassPacketInfo PassSecurity PermissionsStartOnly
    Persistent PipeSize PollLimitBurst PollLimitIntervalSec Priority PrivateDevices PrivateIPC PrivateNetwork PrivatePIDs PrivateTmp PrivateUsers
    ProcSubset ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc
    ProtectSystem RandomizedDelaySec ReadWriteOnly ReceiveBuffer RefuseManualStart RefuseManualStop ReloadSignal RemainAfterElapse RemainAfterExit
    RemoveIPC RemoveOnStop Restart RestartKillSignal RestartMaxDelaySec RestartMode RestartSec RestartSteps RestrictRealtime RestrictSUIDSGID
    ReusePort RootDirectoryStartOnly RootEphemeral RuntimeDirectoryMode RuntimeDirectoryPreserve RuntimeMaxSec RuntimeRandomizedExtraSec
    SELinuxContextFromNet SendBuffer SendSIGHUP SendSIGKILL Service Slice SloppyOptions SocketMode SocketProtocol StandardError StandardInput
    StandardOutput StartLimitAction StartLimitBurst StartLimitInterval StartLimitIntervalSec StateDirectoryMode StopWhenUnneeded SuccessAction
    SurviveFinalKillSignal SyslogFacility SyslogLevel SyslogLevelPrefix TTYReset TTYVHangup TTYVTDisallocate TasksAccounting TimeoutCleanSec
    TimeoutIdleSec TimeoutSec TimeoutStartFailureMode TimeoutStartSec TimeoutStopFailureMode TimeoutStopSec TimerSlackNSec Timestamping Transparent
    TriggerLimitBurst TriggerLimitIntervalSec Type UMask Unit UtmpMode WakeSystem WatchdogSec WatchdogSignal Writable`));

/** Whether `KEY=` is passed over, so that what was assigned before stays. Of most keys it sets back what was assigned. */
export function isKeptWhenEmpty(section: string, key: string): boolean {
  return keptWhenEmpty.has(key) && systemdSections.has(section) && !(section === 'Mount' && key === 'Type') && !(section === 'Swap' && key === 'Priority');
}
