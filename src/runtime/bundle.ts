/** A site as an OCI `config.json`. Pure: all that must be looked up has been. */
import type { Site } from '../base/site.ts';
import { chooseCapabilities } from './capabilities.ts';
import type { DistributionProfile } from './distribution-profile.ts';
import type { Identity } from './identity.ts';
import { networkHooks } from './network.ts';
import { hiddenPaths, mountsOf, type MountPlaces } from './mounts.ts';
import type { FoundDevice } from './devices.ts';
import type { OciConfig, OciLinux } from './oci.ts';
import { credentialsDirectory } from './secret-mount.ts';
import { rlimitsOf, type HighestLimits } from './rlimits.ts';
import { seccompFilter, type Architecture } from './seccomp-profile.ts';

export interface BundlePlaces extends MountPlaces {
  /** Absolute path of the root directory. */
  readonly root: string;
  /** The UNIX socket on which the activator takes notify descriptors. */
  readonly seccompSocket: string;
  /** The site was seen shutting its listener down (design section 4). */
  readonly notifyShutdown: boolean;
  readonly architecture: Architecture;
  /** Capabilities that this machine lets us give away, with `CAP_`. */
  readonly availableCapabilities: readonly string[];
  readonly highestLimits: HighestLimits;
  /** The site's runtime directory, where its network is waited for; null: there is nothing to wait for. */
  readonly networkAt: string | null;
  /** `AddDevice=`, found on the machine. */
  readonly devices: readonly FoundDevice[];
  /** Null: the machine has none. */
  readonly distributionProfile: DistributionProfile | null;
  /** For whoever finds the container and wants to know what it is made of. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** crun(1): a compiled filter in place of `linux.seccomp`. */
export const bpfAnnotation = 'run.oci.seccomp_bpf_data';
/** The number of the image whose layers a container runs on. */
export const imageAnnotation = 'wakesock.image';
/** What programs are looked up in where the site sets no PATH: the default of podman and Docker. */
export const pathDefault = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** sethostname(2) takes no more. */
const hostNameBytesMax = 64;

/** @throws WakesockError `ERR_WAKESOCK_NOT_SUPPORTED` for capabilities and limits that cannot be given */
export function renderBundle(site: Site, identity: Identity, places: BundlePlaces): OciConfig {
  const capabilities = chooseCapabilities({
    add: site.addCapabilities, drop: site.dropCapabilities, uid: identity.uid, available: places.availableCapabilities,
  });
  const isSecret = new Set(site.secrets.flatMap(({ as }) => (as.kind === 'env' ? [as.variable] : [])));
  const adopts = site.handoff === 'adopt';
  const filter = seccompFilter({
    architecture: places.architecture,
    capabilities: new Set(capabilities.bounding),
    // A UNIX socket is replaced at listen, since programs chmod what they bound.
    notifyBind: adopts && site.ports.some(({ kind }) => kind === 'tcp'),
    notifyListen: adopts,
    notifyShutdown: places.notifyShutdown,
    distribution: site.seccompProfile === 'unconfined' ? null : places.distributionProfile,
  });
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: identity.uid, gid: identity.gid, additionalGids: identity.additionalGids, umask: 0o022 },
      args: site.exec,
      // Secrets go in front of these when the site wakes (secretEnvironment).
      env: Object.entries(environmentOf(site, identity)).filter(([name]) => !isSecret.has(name)).map(([name, value]) => `${name}=${value}`),
      cwd: site.workingDir ?? '/',
      capabilities,
      noNewPrivileges: site.noNewPrivileges,
      rlimits: rlimitsOf(site, places.highestLimits),
    },
    root: { path: places.root, readonly: site.root.kind === 'host' || site.readOnly },
    hostname: hostNameOf(site),
    mounts: mountsOf(site, places, identity),
    ...places.networkAt === null ? {} : { hooks: networkHooks(places.networkAt) },
    linux: {
      // Without paths: all new. The network namespace holds nothing but `lo` at first.
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'cgroup', ...site.network.mode.kind === 'host' ? [] : ['network']].map((type) => ({ type })),
      ...Object.keys(site.sysctls).length > 0 ? { sysctl: site.sysctls } : {},
      ...hiddenPaths(site),
      devices: places.devices.map(({ path, type, major, minor, fileMode, uid, gid }) => ({ path, type, major, minor, fileMode, uid, gid })),
      seccomp: seccompSection(site, places, adopts || places.notifyShutdown),
    },
    annotations: { ...site.annotations, ...places.annotations, [bpfAnnotation]: filter },
  };
}

/** What a runtime that does not know our annotation would apply: the program ends at its first call, and never runs unfiltered. */
function seccompSection(site: Site, { seccompSocket }: BundlePlaces, notifies: boolean): OciLinux['seccomp'] {
  const defaultAction = 'SCMP_ACT_KILL_PROCESS';
  return notifies ? { defaultAction, listenerPath: seccompSocket, listenerMetadata: site.name } : { defaultAction };
}

/** The variables that a program of this site is given; its own win. `HOSTNAME` is not among them: Next.js would bind to it. */
export function environmentOf(site: Site, identity: Identity): Record<string, string> {
  const environment: Record<string, string> = { PATH: pathDefault, HOME: identity.home, container: 'wakesock', ...credentialsVariable(site), ...site.environment };
  if (site.handoff !== 'listen-fds') return environment;
  // crun keeps the descriptors from 3 on when LISTEN_FDS is in its own environment, but does not pass the variables on.
  return {
    ...environment,
    LISTEN_FDS: String(site.listen.length),
    LISTEN_FDNAMES: site.listen.map(() => site.name).join(':'),
    LISTEN_PID: '1',
  };
}

/** systemd.exec(5): where a program finds its credentials. */
function credentialsVariable({ name, credentials }: Site): Record<string, string> {
  return credentials.length > 0 ? { CREDENTIALS_DIRECTORY: credentialsDirectory(name) } : {};
}

export function hostNameOf({ hostName, name }: Site): string {
  return hostName ?? name.slice(0, hostNameBytesMax).replace(/[._-]+$/, '');
}
