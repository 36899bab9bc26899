import type { KeyRow, RefusedKey, SiteSection } from './key-row.ts';

/**
 * Keys of Quadlet (podman-systemd.unit(5), podman 5) and systemd that are known and not read. `error` where a site that
 * starts without the key would be another site: less isolated, with other data, or not working.
 */
function rows(section: SiteSection, refused: RefusedKey['refused'], reasons: Readonly<Record<string, string>>): KeyRow[] {
  return Object.entries(reasons).flatMap(([keys, reason]) => keys.split(' ').map((key) => ({ section, key, refused, reason })));
}

/** systemd.exec(5), Process Properties */
const limits = ['CPU', 'FSIZE', 'DATA', 'STACK', 'CORE', 'RSS', 'NOFILE', 'AS', 'NPROC', 'MEMLOCK', 'LOCKS', 'SIGPENDING', 'MSGQUEUE', 'NICE', 'RTPRIO', 'RTTIME'];
/** systemd.resource-control(5): what there is a second time for the machine's start and end. */
const startup = [
  'CPUWeight', 'IOWeight', 'AllowedCPUs', 'AllowedMemoryNodes', 'MemoryLow', 'MemoryHigh', 'MemoryMax', 'MemorySwapMax', 'MemoryZSwapMax', 'BlockIOWeight', 'CPUShares',
];

export const refusedKeys: readonly KeyRow[] = [
  ...rows('Container', 'error', {
    'AppArmor SecurityLabelDisable SecurityLabelFileType SecurityLabelLevel SecurityLabelNested SecurityLabelType':
      'isolation is wakesock\'s own; other profiles are not applied yet',
    'UIDMap GIDMap SubUIDMap SubGIDMap RemapUsers RemapUid RemapGid RemapUidSize': 'a site has ids of its own, as with UserNS=auto, and which they are makes no difference to its files; say UserNS=host or UserNS=auto:size= instead',
    'EnvironmentHost': 'a site never gets the host\'s environment; name the variables with Environment=',
    'RunInit': 'no init process is added; the program is process 1',
    'Pod StartWithPod': 'a site is one container; pods are not supported',
    'PodmanArgs GlobalArgs ContainersConfModule': 'podman does not run the site, so its options have no meaning',
  }),
  ...rows('Container', 'warning', {
    'Label': 'nothing here reads it',
    'CgroupsMode': 'a site\'s control group is a scope of systemd',
    'ExposeHostPort': 'a site is reached by its sockets alone',
    'HttpProxy': 'the host\'s proxy is not passed on; name it with Environment=',
    ['HealthCmd HealthInterval HealthLogDestination HealthMaxLogCount HealthMaxLogSize HealthOnFailure HealthRetries HealthStartPeriod '
    + 'HealthStartupCmd HealthStartupInterval HealthStartupRetries HealthStartupSuccess HealthStartupTimeout HealthTimeout']:
      'a site is ready when its program listens; a check would dial its port inside the container, where nobody listens (see images.md)',
    'LogDriver LogOpt': 'a site\'s output goes to the journal',
    'Notify': 'a site is ready when its program listens',
    'Pull Retry RetryDelay': 'nothing is pulled when a site wakes',
    'ReloadCmd ReloadSignal': 'sites are not reloaded',
    'ServiceName': 'a site has no service of its own',
  }),
  ...rows('Unit', 'silent', {
    'After Before Wants Documentation DefaultDependencies OnFailure OnSuccess StartLimitBurst StartLimitIntervalSec SourcePath':
      'a site is started by its first client, in no order',
  }),
  ...rows('Unit', 'warning', {
    'Requires Requisite BindsTo PartOf Upholds Conflicts PropagatesStopTo StopPropagatedFrom PropagatesReloadTo ReloadPropagatedFrom RequiresMountsFor':
      'a site is started by its first client and pulls in no other unit',
    'ConditionPathExists ConditionPathIsDirectory ConditionFileNotEmpty ConditionHost AssertPathExists': 'conditions are not looked at',
  }),
  ...rows('Service', 'silent', {
    'Restart RestartSec RestartSteps RestartMaxDelaySec RestartMode': 'a site that ended is started by its next client',
    ['Type NotifyAccess RemainAfterExit KillMode Delegate DelegateSubgroup SyslogIdentifier SyslogLevel SyslogFacility StandardInput StandardOutput StandardError '
    + 'MemoryPressureWatch MemoryPressureThresholdSec CoredumpReceive']: 'it concerns a service, and a site is a scope',
    'CPUAccounting MemoryAccounting IOAccounting TasksAccounting BlockIOAccounting': 'the figures are always kept',
    'IPAccounting': 'what clients send comes in by the socket unit\'s sockets, which the scope does not count',
  }),
  ...rows('Service', 'error', {
    'ExecStartPre ExecStartPost ExecStop ExecStopPost ExecCondition ExecReload': 'no other programs run beside the site\'s',
    'ExecStart': 'the program of a site is Exec= in [Container]',
    'DeviceAllow DevicePolicy': 'a site may open what AddDevice= in [Container] names, and nothing else',
    'ImportCredential': 'which credentials there are is not looked at again at each wake; name each with LoadCredential=',
    'IPAddressAllow IPAddressDeny IPIngressFilterPath IPEgressFilterPath RestrictNetworkInterfaces NFTSet':
      'it would not see the site\'s clients, whose sockets are the socket unit\'s: put it into a drop-in of that',
    'SocketBindAllow SocketBindDeny': 'a site is given its sockets and binds nothing that is reached from outside',
    'BPFProgram': 'no programs of BPF are attached to the scope',
  }),
  ...rows('Service', 'warning', {
    'Environment EnvironmentFile': 'it would be podman\'s environment; the program\'s is in [Container]',
    'Slice': 'sites are in wakesock.slice',
    'User Group WorkingDirectory DynamicUser SupplementaryGroups UMask': 'it would be podman\'s; the program\'s is in [Container]',
    [limits.map((name) => `Limit${name}`).join(' ')]: 'it would be podman\'s limit; the program\'s is Ulimit= in [Container]',
    [startup.map((key) => `Startup${key}`).join(' ')]: 'it counts while the machine starts, when no site is awake yet; use the key without Startup',
    'MemoryZSwapMax MemoryZSwapWriteback ManagedOOMMemoryPressureDurationSec': 'not applied yet: systemd 252 does not know it and would refuse the scope',
    'DefaultMemoryMin DefaultMemoryLow DefaultStartupMemoryLow DisableControllers': 'there are no units below a site\'s scope',
    'BlockIOWeight BlockIODeviceWeight BlockIOReadBandwidth BlockIOWriteBandwidth CPUShares MemoryLimit':
      'it is of control groups of the first version; use IOWeight=, IODeviceWeight=, IOReadBandwidthMax=, IOWriteBandwidthMax=, CPUWeight= and MemoryMax=',
    'OOMPolicy': 'a program whose worker was killed goes on, as with podman',
    'OOMScoreAdjust Nice TimeoutAbortSec RuntimeMaxSec WatchdogSec': 'not applied to the scope yet',
  }),
];
