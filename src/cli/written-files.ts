import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { WakesockError } from '../base/errors.ts';
import { syncDirectory, writeWhole } from '../runtime/state-files.ts';

/** How the files begin that `install`, `enable` and `create` write. What begins otherwise is not ours to change or remove. */
const ours = /^# Written by `wakesock (?:install|enable|create)`/;

export type FileChange = 'written' | 'unchanged';

/** Writes a file that is ours, whole or not at all, also where the power is cut right afterwards. @throws WakesockError ERR_WAKESOCK_SYSTEMD: it is somebody else's */
export function writeOurs(path: string, text: string): FileChange {
  const present = readIfAny(path);
  if (present === text) return 'unchanged';
  refuseForeign(path, present);
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.wakesock-new`;
  writeWhole(temporary, text, 0o644);
  renameSync(temporary, path);
  syncDirectory(dirname(path));
  return 'written';
}

/** What `writeOurs` would do. */
export function wouldWrite(path: string, text: string): FileChange {
  const present = readIfAny(path);
  if (present === text) return 'unchanged';
  refuseForeign(path, present);
  return 'written';
}

/** False: there is none, or it is somebody else's. */
export function isOurs(path: string): boolean {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  return !isLink && ours.test(readIfAny(path) ?? '');
}

/** It stays removed also where the power is cut right afterwards. False: there was none of ours. */
export function removeOurs(path: string): boolean {
  if (!isOurs(path)) return false;
  rmSync(path, { force: true });
  syncDirectory(dirname(path));
  return true;
}

/** systemd makes and removes the links of sockets.target, and leaves it to the kernel when that is on the disk. */
export function syncLinks(unitDir: string): void {
  const links = `${unitDir}/sockets.target.wants`;
  if (existsSync(links)) syncDirectory(links);
}

function refuseForeign(path: string, present: string | null): void {
  if (present === null || ours.test(present)) return;
  throw new WakesockError('ERR_WAKESOCK_SYSTEMD',
    `${path} was not written by wakesock: move it away; changes to a unit of wakesock belong into its drop-ins (systemctl edit)`);
}

function readIfAny(path: string): string | null {
  try {
    // A masked unit is a link to /dev/null.
    if (lstatSync(path).isSymbolicLink()) {
      throw new WakesockError('ERR_WAKESOCK_SYSTEMD', `${path} is a symbolic link (a masked unit?), which wakesock does not replace`);
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
