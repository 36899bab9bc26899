/**
 * What a container sees mounted. Few: each costs some 0.05–0.1 ms of every wake (ARCHITECTURE.md).
 *
 * Options are those of crun(1). `rro` and friends go through mount_setattr(2) and hold for mounts below too, which `ro` does
 * not; crun takes them for directories only.
 */
import type { Site, SiteMount } from '../base/site.ts';
import type { OciMount } from './oci.ts';
import type { SecretMount } from './secret-mount.ts';

export interface MountPlaces {
  /** Bound on /etc/hosts; null: the root has its own. */
  readonly hostsFile: string | null;
  /** Bound on /etc/resolv.conf; null: the root has its own, if any. */
  readonly resolvConf: string | null;
  /** `Root=host`: the copy of the host's /etc; null for any other root. */
  readonly hostEtc: string | null;
  /** Sources of binds that are not directories. */
  readonly fileSources: ReadonlySet<string>;
  /** Where the volumes of the site are on the machine, by target. */
  readonly volumePaths: ReadonlyMap<string, string>;
  /** Directories and files that a wake puts secrets into (secret-mount.ts). */
  readonly secrets: readonly SecretMount[];
  /** The file for /etc/localtime; null: the root's own. */
  readonly localtime: string | null;
  /** Volumes of the image that need a mount, with where they are on the machine; null: in memory, beginning with what the image has there. */
  readonly imageVolumes: readonly { readonly target: string; readonly source: string | null }[];
}

const kernelMounts = ({ shmBytes }: Site): readonly OciMount[] => [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=64k'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmBytes ?? '64m'}`] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'] },
];

/** podman's; what is not there costs a failed open. */
export const maskedPaths: readonly string[] = [
  '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/sched_debug', '/proc/scsi', '/proc/timer_list', '/proc/timer_stats',
  '/sys/dev/block', '/sys/devices/virtual/powercap', '/sys/firmware', '/sys/fs/selinux',
];
export const readonlyPaths: readonly string[] = ['/proc/asound', '/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Whom a tmpfs is given to with `:U`. */
export interface Owner { readonly uid: number; readonly gid: number }

export function mountsOf(site: Site, places: MountPlaces, owner: Owner = { uid: 0, gid: 0 }): OciMount[] {
  const asked = [...site.mounts.map((mount) => siteMount(mount, places, owner)), ...places.secrets.map(secretMount)];
  const own = [...kernelMounts(site), ...rootMounts(site, places)];
  // What the user mounts himself is not mounted twice. Parents before what lies in them; else as written.
  const targets = new Set(asked.map(({ destination }) => destination));
  return [...own.filter(({ destination }) => !targets.has(destination)), ...asked.toSorted((a, b) => depth(a) - depth(b))];
}

/** Each kind of `Volume=`, `Mount=` and `Tmpfs=` comes by here: who treats binds in another way does it in {@link bind}. */
function siteMount(mount: SiteMount, { fileSources, volumePaths }: MountPlaces, owner: Owner): OciMount {
  if (mount.kind === 'tmpfs') return temporary(mount.target, tmpfsOptions(mount, owner));
  const source = mount.kind === 'volume' ? volumePaths.get(mount.target) ?? '' : mount.source ?? '';
  return bind(source, mount, fileSources.has(source));
}

/** Recursively an option holds for what is mounted below, too; crun takes those for directories only. */
function bind(source: string, { target, readOnly, recursive, exec, suid, dev }: Bind, isFile: boolean): OciMount {
  const deep = recursive && !isFile ? 'r' : '';
  const options = [...suid ? [] : ['nosuid'], ...dev ? [] : ['nodev'], ...exec ? [] : ['noexec'], ...readOnly ? ['ro'] : []];
  return { destination: target, type: 'bind', source, options: [`${deep}bind`, ...options.map((option) => `${deep}${option}`)] };
}

type Bind = Pick<SiteMount, 'target' | 'readOnly' | 'recursive' | 'exec' | 'suid' | 'dev'>;
const plain: Omit<Bind, 'target'> = { readOnly: false, recursive: true, exec: true, suid: false, dev: false };

function tmpfsOptions({ readOnly, exec, suid, dev, chown, copyUp, data }: SiteMount, { uid, gid }: Owner): string[] {
  return [
    ...suid ? [] : ['nosuid'], ...dev ? [] : ['nodev'], ...exec ? [] : ['noexec'], ...readOnly ? ['ro'] : [], ...copyUp ? ['tmpcopyup'] : [],
    ...chown ? [`uid=${uid}`, `gid=${gid}`] : [], ...data,
  ];
}

function secretMount({ source, target, file }: SecretMount): OciMount {
  return bind(source, { ...plain, target, readOnly: true, exec: false, recursive: false }, file);
}

function rootMounts(site: Site, { hostsFile, resolvConf, hostEtc, imageVolumes, localtime }: MountPlaces): OciMount[] {
  const mounts: OciMount[] = [];
  if (site.root.kind === 'host') mounts.push(bind('/usr', { ...plain, target: '/usr', readOnly: true }, false));
  if (hostEtc !== null) mounts.push(bind(hostEtc, { ...plain, target: '/etc', readOnly: true }, false));
  for (const [source, destination] of [[hostsFile, '/etc/hosts'], [resolvConf, '/etc/resolv.conf']] as const) {
    if (source !== null) mounts.push({ destination, type: 'bind', source, options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'] });
  }
  if (localtime !== null) mounts.push(bind(localtime, { ...plain, target: '/etc/localtime', readOnly: true, exec: false }, true));
  // In a skeleton of ours /var/tmp and /var/run are links to these two. Else as podman's --read-only-tmpfs, contents of the root kept.
  if (site.root.kind === 'host') mounts.push(temporary('/tmp', ['nosuid', 'nodev', 'mode=1777']), temporary('/run', ['nosuid', 'nodev', 'mode=755']));
  else if (site.readOnly && site.readOnlyTmpfs) mounts.push(...['/tmp', '/var/tmp', '/run'].map((target) => temporary(target, ['nosuid', 'nodev', 'tmpcopyup'])));
  mounts.push(...imageVolumes.map(({ target, source }) => (source === null ? temporary(target, ['nosuid', 'nodev', 'tmpcopyup']) : bind(source, { ...plain, target }, false))));
  return mounts;
}

function temporary(destination: string, options: readonly string[]): OciMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options };
}

function depth({ destination }: OciMount): number {
  return destination.split('/').length;
}

/** podman's lists, less what `Unmask=` names, and with what `Mask=` does. */
export function hiddenPaths({ mask, unmask }: Site): { readonly maskedPaths: readonly string[]; readonly readonlyPaths: readonly string[] } {
  const patterns = unmask.map((path) => (path === 'ALL' ? /^/ : new RegExp(`^${path.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`)));
  const isHidden = (path: string): boolean => !patterns.some((pattern) => pattern.test(path));
  return { maskedPaths: [...new Set([...maskedPaths.filter(isHidden), ...mask])], readonlyPaths: readonlyPaths.filter(isHidden) };
}
