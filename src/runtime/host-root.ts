/**
 * `Root=host`: a root directory of our making, in which the host's /usr is mounted read-only.
 *
 * /etc is a copy of what every user of the machine may read anyway, less what is about running the machine: shared by
 * all such sites and one mount. The host's own /etc, bound as it is, would show root in the container keys and passwords; binding
 * the harmless entries one by one would cost a mount each on every wake.
 */
import { chmodSync, copyFileSync, existsSync, lstatSync, lutimesSync, mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync, type Stats } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { ensureDirectory, stateError } from './state-files.ts';

/** In a root of a merged-/usr system these are links into /usr. */
const usrLinks = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
const directories = ['proc', 'dev', 'sys', 'usr', 'etc', 'tmp', 'run', 'var', 'var/lib', 'var/cache', 'var/log', 'var/spool', 'home', 'srv', 'opt', 'mnt'];
/** So that one tmpfs serves both names. */
const links: Readonly<Record<string, string>> = { 'var/tmp': '../tmp', 'var/run': '../run', 'var/lock': '../run/lock' };

/** Bound over by the site's own, so they must be there. */
const ownFiles = ['hosts', 'resolv.conf'];
/** About running the machine, no program's configuration; and `wakesock`, which names all other sites. */
const etcLeftOut = new Set([
  'NetworkManager', 'apparmor.d', 'apt', 'audit', 'cloud', 'containers', 'cron.d', 'cron.daily', 'cron.hourly', 'cron.monthly', 'cron.weekly', 'cron.yearly', 'crontab',
  'cryptsetup-initramfs', 'crypttab', 'default', 'docker', 'dpkg', 'exports', 'fstab', 'grub.d', 'hostname', ...ownFiles, 'init.d', 'initramfs-tools', 'iptables', 'kernel', 'kubernetes',
  'letsencrypt', 'logrotate.d', 'machine-id', 'modprobe.d', 'modules-load.d', 'mtab', 'netplan', 'network', 'nftables.conf', 'pam.d', 'passwd-', 'group-', 'polkit-1',
  'rc0.d', 'rc1.d', 'rc2.d', 'rc3.d', 'rc4.d', 'rc5.d', 'rc6.d', 'rcS.d', 'security', 'ssh', 'sudoers', 'sudoers.d', 'sysctl.d', 'systemd', 'tmpfiles.d', 'udev', 'ufw',
  'wakesock', 'wireguard',
]);
/** Configuration is text; what is larger is data in the wrong place. */
const etcFileBytesMax = 4 * 1024 * 1024;
const othersMayRead = 0o004;
const othersMayEnter = 0o005;

/** What makes a prepared `Root=host` site out of date when it changes: accounts, libraries, alternatives, certificates. */
export const hostRootSources: readonly string[] = ['/etc/passwd', '/etc/group', '/etc/ld.so.cache', '/etc/alternatives', '/etc/ssl/certs'];

/** The shared copy of /etc. */
export function hostEtcDirectory(paths: Paths): string {
  return `${paths.stateDir}/host-etc`;
}

/**
 * Makes the root directory of one site, or completes it.
 * @param host the root whose /usr will be mounted; not `/` in tests only
 * @throws WakesockError `ERR_WAKESOCK_NOT_SUPPORTED` where /bin, /lib, … are not links into /usr
 */
export function makeHostRoot(root: string, host = ''): void {
  try {
    ensureDirectory(root, 0o755);
    ensureDirectory(`${root}/root`, 0o700);
    for (const directory of directories) ensureDirectory(`${root}/${directory}`, 0o755);
    for (const [name, target] of Object.entries({ ...links, ...usrLinksOf(host) })) replaceLink(`${root}/${name}`, target);
  } catch (error) {
    throw stateError(root, error);
  }
}

function usrLinksOf(host: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of usrLinks) {
    const path = `${host}/${name}`;
    if (!existsSync(path)) continue;
    if (!lstatSync(path).isSymbolicLink()) throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `Root=host: expected ${path} to be a link into /usr, as on Debian 12 and newer; it is not`);
    found[name] = readlinkSync(path).replace(/^\//, '');
  }
  return found;
}

function replaceLink(path: string, target: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() && readlinkSync(path) === target) return;
  if (stats) rmSync(path, { recursive: true });
  symlinkSync(target, path);
}

/**
 * Brings the copy of /etc up to date, entry by entry, since running containers see this very directory.
 * @throws WakesockError `ERR_WAKESOCK_STATE_DIR`
 */
export function syncHostEtc(paths: Paths, source = '/etc'): void {
  const copy = hostEtcDirectory(paths);
  let staging: string | null = null;
  try {
    ensureDirectory(copy, 0o755);
    staging = mkdtempSync(`${paths.stateDir}/host-etc.`);
    syncDirectory(source, copy, staging, etcLeftOut);
    for (const name of ownFiles) if (!existsSync(`${copy}/${name}`)) makeEmptyFile(`${copy}/${name}`, staging);
  } catch (error) {
    throw stateError(copy, error);
  } finally {
    if (staging !== null) rmSync(staging, { recursive: true, force: true });
  }
}

/** For who prepares many sites: walks /etc for the first that needs it. */
export function hostEtcOnce(paths: Paths, source?: string): () => void {
  let synced = false;
  return () => {
    if (!synced) syncHostEtc(paths, source);
    synced = true;
  };
}

function syncDirectory(source: string, copy: string, staging: string, leaveOut: ReadonlySet<string>): void {
  const wanted = new Map<string, Stats>();
  for (const name of readdirSync(source)) {
    const stats = lstatSync(`${source}/${name}`, { throwIfNoEntry: false });
    if (stats && !leaveOut.has(name) && mayBeSeen(stats)) wanted.set(name, stats);
  }
  for (const name of readdirSync(copy)) {
    const stats = lstatSync(`${copy}/${name}`, { throwIfNoEntry: false });
    const counterpart = wanted.get(name);
    if (counterpart && stats && sameType(counterpart, stats)) continue;
    if (!ownFiles.includes(name) || !leaveOut.has(name) || stats?.isFile() !== true) rmSync(`${copy}/${name}`, { recursive: true, force: true });
  }
  for (const [name, stats] of wanted) syncEntry(`${source}/${name}`, `${copy}/${name}`, stats, staging);
}

function syncEntry(source: string, copy: string, stats: Stats, staging: string): void {
  if (stats.isDirectory()) {
    ensureDirectory(copy, 0o755);
    syncDirectory(source, copy, staging, new Set());
    return;
  }
  const present = lstatSync(copy, { throwIfNoEntry: false });
  const temporary = `${staging}/entry`;
  try {
    if (stats.isSymbolicLink()) {
      const target = readlinkSync(source);
      if (present?.isSymbolicLink() && readlinkSync(copy) === target) return;
      symlinkSync(target, temporary);
    } else {
      if (present && present.size === stats.size && Math.abs(present.mtimeMs - stats.mtimeMs) < 1) return;
      copyFileSync(source, temporary);
      chmodSync(temporary, stats.mode & 0o755);
      lutimesSync(temporary, stats.atimeMs / 1000, stats.mtimeMs / 1000);
    }
    renameSync(temporary, copy);
  } catch (error) {
    // Removed on the host in between: then the copy has nothing to show either.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || existsSync(source)) throw error;
  }
}

function makeEmptyFile(path: string, staging: string): void {
  writeFileSync(`${staging}/empty`, '');
  chmodSync(`${staging}/empty`, 0o644);
  renameSync(`${staging}/empty`, path);
}

function mayBeSeen(stats: Stats): boolean {
  if (stats.isSymbolicLink()) return true;
  if (stats.isDirectory()) return (stats.mode & othersMayEnter) === othersMayEnter;
  return stats.isFile() && (stats.mode & othersMayRead) !== 0 && stats.size <= etcFileBytesMax;
}

function sameType(a: Stats, b: Stats): boolean {
  return (a.mode & 0o170000) === (b.mode & 0o170000);
}
