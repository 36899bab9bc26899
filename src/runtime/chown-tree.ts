/**
 * Giving a volume to its site's user (`:U`). What is in it may be another's to change meanwhile, so no path is walked twice: each
 * directory is opened in the one before, links are given away and never followed, and what has another name outside of the volume stays.
 */
import { closeSync, constants, lchownSync, lstatSync, openSync, readdirSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { volumeDepthMax } from '../base/limits.ts';
import { O_CLOEXEC, O_PATH } from '../linux/constants.ts';
import { isErrno } from '../linux/libc.ts';

interface Owner { readonly uid: number; readonly gid: number }

/** @returns how many names stay as they were, since their files have others outside */
export function chownTree(path: string, owner: Owner): number {
  // A first look finds which names belong together, which a second one then may touch.
  const linked = new Map<string, { names: number; readonly links: number }>();
  const mounts = mountPoints();
  visit(path, mounts, (_, stats) => {
    if (stats.isDirectory() || stats.nlink < 2) return;
    const known = linked.get(keyOf(stats)) ?? { names: 0, links: stats.nlink };
    known.names += 1;
    linked.set(keyOf(stats), known);
  });
  let left = 0;
  visit(path, mounts, (name, stats) => {
    const links = linked.get(keyOf(stats));
    const whole = stats.isDirectory() || (links === undefined ? stats.nlink < 2 : links.names === links.links && stats.nlink === links.links);
    if (!whole) left += 1;
    else if (stats.uid !== owner.uid || stats.gid !== owner.gid) lchownSync(name, owner.uid, owner.gid);
  });
  return left;
}

const keyOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`;

type Act = (name: string | Buffer, stats: Stats) => void;

/** Calls `act` with the directory itself and all below it but what else is mounted there; `name` is what to call it by, with no link on the way. */
function visit(path: string, mounts: ReadonlySet<string>, act: Act): void {
  const root = openDirectory(path);
  try {
    act(`/proc/self/fd/${root}/.`, lstatSync(`/proc/self/fd/${root}/.`));
    visitBelow(root, Buffer.from(realpathSync(path)).toString('latin1'), mounts, 1, act);
  } finally {
    closeSync(root);
  }
}

function visitBelow(directory: number, path: string, mounts: ReadonlySet<string>, depth: number, act: Act): void {
  if (depth > volumeDepthMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `Expected a volume of at most ${volumeDepthMax} directories in one another, found more`);
  for (const entry of readdirSync(`/proc/self/fd/${directory}/.`, { encoding: 'buffer' })) {
    const inside = `${path}/${entry.toString('latin1')}`;
    if (mounts.has(inside)) continue;
    // Names are bytes, of whatever encoding.
    const name = Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), entry]);
    try {
      const stats = lstatSync(name);
      act(name, stats);
      if (!stats.isDirectory()) continue;
      const below = openDirectory(name);
      try {
        visitBelow(below, inside, mounts, depth + 1, act);
      } finally {
        closeSync(below);
      }
    } catch (error) {
      // Gone meanwhile, or something else by now.
      if (!['ENOENT', 'ENOTDIR', 'ELOOP'].some((gone) => isErrno(error, gone))) throw error;
    }
  }
}

/** As proc_pid_mountinfo(5) has them, byte for byte in latin1. Of an overlay not even all files have the device of their directory, so that tells nothing. */
function mountPoints(): Set<string> {
  const lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
  return new Set(lines.flatMap((line) => line.split(' ')[4]?.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))) ?? []));
}

function openDirectory(path: string | Buffer): number {
  return openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC);
}
