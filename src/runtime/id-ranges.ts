/**
 * Which ids of the machine are whose: each site with a user namespace has a range of its own, allotted once and kept in
 * `ids` of the state directory, a line `SITE FIRST COUNT` each.
 *
 * Nothing on a disk depends on them (mounts are idmapped), so a site may be given others at any time. A range is free again when the
 * directory of its site is gone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import type { IdRange } from '../base/site.ts';
import { withFileLock } from '../linux/file-lock.ts';
import { replaceFiles } from './state-files.ts';

/**
 * The upper part of what systemd sets aside for containers (UIDS-GIDS.md: 524288 to 1879048191): above what useradd(8) gives to
 * users of its own accord (login.defs(5): SUB_UID_MAX 600100000). 19,456 sites.
 */
const poolDefault: IdRange = { first: 0x2400_0000, count: 0x7000_0000 - 0x2400_0000 };
/** Its entry in /etc/subuid and /etc/subgid is where ranges come from, where there is one. */
const poolOwner = 'wakesock';
/** Ranges begin at multiples of it, as systemd's do. */
const rangeAlignment = 0x1_0000;

export interface IdFiles {
  readonly subuid: string;
  readonly subgid: string;
  readonly passwd: string;
  readonly group: string;
}

/** The range of a site: the one that it has, or a new one. @throws WakesockError `ERR_WAKESOCK_LIMIT` where none is left, `ERR_WAKESOCK_STATE_DIR` */
export function allotIds(paths: Paths, site: string, count: number, files: IdFiles = readIdFiles()): IdRange {
  const pools = poolsOf(files);
  const others = takenByOthers(files);
  const { stateDir } = paths;
  return withFileLock(`${stateDir}/ids.lock`, () => {
    const table = readTable(`${stateDir}/ids`);
    const before = table.get(site);
    if (before?.count === count && pools.some((pool) => isWithin(before, pool)) && !others.some((other) => overlap(before, other))) return before;
    table.delete(site);
    for (const name of table.keys()) if (!existsSync(preparedDir(paths, name))) table.delete(name);
    const range = freeRange(pools, [...others, ...table.values()], count, lastOf(table));
    if (range === null) {
      throw new WakesockError('ERR_WAKESOCK_LIMIT', `${site}: expected ${count} ids for its user namespace, found no such range free (${table.size} sites have theirs): `
        + `give the user ${poolOwner} more in /etc/subuid and /etc/subgid, the site fewer (UserNS=auto:size=), or none (UserNS=host)`);
    }
    table.set(site, range);
    replaceFiles(stateDir, [{ name: 'ids', data: [...table].map(([name, { first, count: ids }]) => `${name} ${first} ${ids}\n`).join(''), mode: 0o644 }]);
    return range;
  });
}

export function readIdFiles(etc = '/etc'): IdFiles {
  const read = (name: string): string => (existsSync(`${etc}/${name}`) ? readFileSync(`${etc}/${name}`, 'utf8') : '');
  return { subuid: read('subuid'), subgid: read('subgid'), passwd: read('passwd'), group: read('group') };
}

/** What the owner has as a user and as a group. */
function poolsOf({ subuid, subgid }: IdFiles): IdRange[] {
  const [users, groups] = [subuid, subgid].map((text) => subordinate(text).filter(({ owner }) => owner === poolOwner));
  if (users?.length === 0 && groups?.length === 0) return [poolDefault];
  return (users ?? []).flatMap((user) => (groups ?? []).flatMap((group) => {
    const first = Math.max(user.first, group.first);
    const count = Math.min(endOf(user), endOf(group)) - first;
    return count > 0 ? [{ first, count }] : [];
  }));
}

/** Users and groups of the machine, and what others were given. */
function takenByOthers({ subuid, subgid, passwd, group }: IdFiles): IdRange[] {
  const given = [subuid, subgid].flatMap(subordinate).filter(({ owner }) => owner !== poolOwner);
  const own = [passwd, group].flatMap((text) => text.split('\n')).flatMap((line) => {
    const id = line.split(':')[2] ?? '';
    return /^\d{1,10}$/.test(id) ? [{ first: Number(id), count: 1 }] : [];
  });
  return [...given, ...own];
}

/** Lines of subuid(5): `OWNER:FIRST:COUNT`. */
function subordinate(text: string): (IdRange & { readonly owner: string })[] {
  return text.split('\n').flatMap((line) => {
    const [, owner = '', first, count] = /^([^:#]+):(\d{1,10}):(\d{1,10})\s*$/.exec(line) ?? [];
    return first === undefined ? [] : [{ owner, first: Number(first), count: Number(count) }];
  });
}

/**
 * The first that is free from `from` on, or else from the beginning: what was given back is given away as late as possible,
 * since something may still run that had it.
 */
function freeRange(pools: readonly IdRange[], taken: readonly IdRange[], count: number, from: number): IdRange | null {
  const ascending = taken.toSorted((a, b) => a.first - b.first);
  for (const start of [from, 0]) {
    for (const pool of pools) {
      let first = aligned(Math.max(pool.first, start), pool.first);
      for (const other of ascending) if (overlap({ first, count }, other)) first = aligned(endOf(other), pool.first);
      if (first + count <= endOf(pool)) return { first, count };
    }
  }
  return null;
}

/** A pool of somebody's own making begins where it begins. */
const aligned = (id: number, poolFirst: number): number => (id === poolFirst ? id : Math.ceil(id / rangeAlignment) * rangeAlignment);
const endOf = ({ first, count }: IdRange): number => first + count;
const overlap = (a: IdRange, b: IdRange): boolean => a.first < endOf(b) && b.first < endOf(a);
const isWithin = (a: IdRange, b: IdRange): boolean => a.first >= b.first && endOf(a) <= endOf(b);
const lastOf = (table: ReadonlyMap<string, IdRange>): number => Math.max(0, ...[...table.values()].map(endOf));

function readTable(path: string): Map<string, IdRange> {
  if (!existsSync(path)) return new Map();
  const lines = readFileSync(path, 'utf8').split('\n').filter((line) => line !== '');
  return new Map(lines.map((line): [string, IdRange] => {
    const [, name, first, count] = /^(\S+) (\d{1,10}) (\d{1,10})$/.exec(line) ?? [];
    if (name === undefined) throw new WakesockError('ERR_WAKESOCK_STATE_DIR', `${path}: expected lines of a site, its first id and their number, found ${JSON.stringify(line.slice(0, 100))}; without the file each site is given ids anew by \`wakesock prepare\``);
    return [name, { first: Number(first), count: Number(count) }];
  }));
}
