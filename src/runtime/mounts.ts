/**
 * What a container sees mounted. Few: each costs some 0.05–0.1 ms of every wake (ARCHITECTURE.md).
 *
 * Options are those of crun(1). `rro` and friends go through mount_setattr(2) and hold for mounts below too, which `ro` does
 * not; crun takes them for directories only.
 */
import type { Site } from '../base/site.ts';
import type { OciMount } from './oci.ts';

export interface MountPlaces {
  /** Bound on /etc/hosts; null: the root has its own. */
  readonly hostsFile: string | null;
  /** Bound on /etc/resolv.conf; null: the root has its own, if any. */
  readonly resolvConf: string | null;
  /** `Root=host`: the copy of the host's /etc; null for any other root. */
  readonly hostEtc: string | null;
  /** Sources of `Volume=` that are not directories. */
  readonly fileVolumes: ReadonlySet<string>;
  /** Volumes of the image that need a mount, with where they are on the machine; null: in memory, beginning with what the image has there. */
  readonly imageVolumes: readonly { readonly target: string; readonly source: string | null }[];
}

const kernelMounts: readonly OciMount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=64k'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=64m'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'] },
];

/** podman's; what is not there costs a failed open. */
export const maskedPaths: readonly string[] = [
  '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/sched_debug', '/proc/scsi', '/proc/timer_list', '/proc/timer_stats',
  '/sys/dev/block', '/sys/devices/virtual/powercap', '/sys/firmware', '/sys/fs/selinux',
];
export const readonlyPaths: readonly string[] = ['/proc/asound', '/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export function mountsOf(site: Site, places: MountPlaces): OciMount[] {
  const asked = [
    ...site.volumes.map((volume) => volumeMount(volume, places.fileVolumes.has(volume.source))),
    ...site.tmpfs.map(({ target, options }) => temporary(target, options)),
  ];
  const own = [...kernelMounts, ...rootMounts(site, places)];
  // What the user mounts himself is not mounted twice. Parents before what lies in them; else as written.
  const targets = new Set(asked.map(({ destination }) => destination));
  return [...own.filter(({ destination }) => !targets.has(destination)), ...asked.toSorted((a, b) => depth(a) - depth(b))];
}

function rootMounts(site: Site, { hostsFile, resolvConf, hostEtc, imageVolumes }: MountPlaces): OciMount[] {
  const mounts: OciMount[] = [];
  if (site.root.kind === 'host') mounts.push(readOnlyDirectory('/usr', '/usr'));
  if (hostEtc !== null) mounts.push(readOnlyDirectory(hostEtc, '/etc'));
  for (const [source, destination] of [[hostsFile, '/etc/hosts'], [resolvConf, '/etc/resolv.conf']] as const) {
    if (source !== null) mounts.push({ destination, type: 'bind', source, options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'] });
  }
  // In a skeleton of ours /var/tmp and /var/run are links to these two. Else as podman's --read-only-tmpfs, contents of the root kept.
  if (site.root.kind === 'host') mounts.push(temporary('/tmp', ['mode=1777']), temporary('/run', ['mode=755']));
  else if (site.readOnly) mounts.push(...['/tmp', '/var/tmp', '/run'].map((target) => temporary(target, ['tmpcopyup'])));
  mounts.push(...imageVolumes.map(({ target, source }) => (source === null ? temporary(target, ['tmpcopyup']) : volumeMount({ source, target, readOnly: false }, false))));
  return mounts;
}

function volumeMount({ source, target, readOnly }: Site['volumes'][number], isFile: boolean): OciMount {
  if (isFile) return { destination: target, type: 'bind', source, options: ['bind', 'nosuid', 'nodev', ...readOnly ? ['ro'] : []] };
  if (readOnly) return readOnlyDirectory(source, target);
  return { destination: target, type: 'bind', source, options: ['rbind', 'rnosuid', 'rnodev'] };
}

function readOnlyDirectory(source: string, destination: string): OciMount {
  return { destination, type: 'bind', source, options: ['rbind', 'rro', 'rnosuid', 'rnodev'] };
}

function temporary(destination: string, options: readonly string[]): OciMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', ...options] };
}

function depth({ destination }: OciMount): number {
  return destination.split('/').length;
}
