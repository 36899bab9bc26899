/** `User=` and `Group=` as numbers, by the container's own etc/passwd and etc/group: passwd(5), group(5), podman's rules. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import type { SiteTree } from './site-tree.ts';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

interface User { readonly name: string; readonly uid: number; readonly gid: number; readonly home: string }
interface Group { readonly name: string; readonly gid: number; readonly members: readonly string[] }

/** Files of accounts are a few kilobytes; a root is the site's own to fill. */
const accountFileBytesMax = 1024 * 1024;
/** setuid(2): -1 means "leave as it is". */
const idMax = 0xffff_fffe;

/**
 * @param user a name, a number, or both halves as `USER:GROUP`; null: root
 * @param group wins over the user's own group, and then there are no further groups but those of `addGroups`
 * @throws WakesockError `ERR_WAKESOCK_SITE_FILE` for a name that the root does not know
 */
export function resolveIdentity(tree: SiteTree, user: string | null, group: string | null, addGroups: readonly string[] = []): Identity {
  const identity = resolveUser(tree, user, group);
  if (addGroups.length === 0) return identity;
  const groups = readAccounts(tree, '/etc/group').flatMap(parseGroup);
  const added = addGroups.map((wanted) => findGroup(wanted, () => groups, 'GroupAdd'));
  return { ...identity, additionalGids: [...new Set([...identity.additionalGids, ...added])].filter((gid) => gid !== identity.gid) };
}

function resolveUser(tree: SiteTree, user: string | null, group: string | null): Identity {
  if (user === null && group === null) return { uid: 0, gid: 0, additionalGids: [], home: '/root' };
  const [userPart = '', groupPart] = (user ?? '0').split(':', 2);
  const wantedGroup = group ?? groupPart ?? null;
  const users = readAccounts(tree, '/etc/passwd').flatMap(parseUser);
  const uid = parseId(userPart);
  const entry = users.find(uid === null ? ({ name }) => name === userPart : (candidate) => candidate.uid === uid);
  if (uid === null && !entry) throw unknown('User', userPart, '/etc/passwd');
  const groups = (): Group[] => readAccounts(tree, '/etc/group').flatMap(parseGroup);
  const own = { uid: uid ?? entry?.uid ?? 0, home: entry?.home || '/' };
  if (wantedGroup !== null) return { ...own, gid: findGroup(wantedGroup, groups), additionalGids: [] };
  // As podman: a number that nobody has belongs to group 0.
  const gid = entry?.gid ?? 0;
  const further = entry ? groups().filter(({ members }) => members.includes(entry.name)).map((found) => found.gid) : [];
  return { ...own, gid, additionalGids: [...new Set(further)].filter((found) => found !== gid) };
}

function findGroup(wanted: string, groups: () => readonly Group[], key = 'Group'): number {
  const gid = parseId(wanted) ?? groups().find(({ name }) => name === wanted)?.gid;
  if (gid === undefined) throw unknown(key, wanted, '/etc/group');
  return gid;
}

/** A number within range; null: a name. */
function parseId(text: string): number | null {
  if (!/^\d{1,10}$/.test(text)) return null;
  const id = Number(text);
  return id <= idMax ? id : null;
}

function parseUser(fields: readonly string[]): User[] {
  const [name = '', , uidText = '', gidText = '', , home = ''] = fields;
  const uid = parseId(uidText);
  const gid = parseId(gidText);
  return name === '' || uid === null || gid === null ? [] : [{ name, uid, gid, home: home.startsWith('/') ? home : '' }];
}

function parseGroup(fields: readonly string[]): Group[] {
  const [name = '', , gidText = '', members = ''] = fields;
  const gid = parseId(gidText);
  return name === '' || gid === null ? [] : [{ name, gid, members: members.split(',') }];
}

/** Lines split at colons; none where there is no such file. */
function readAccounts(tree: SiteTree, path: string): string[][] {
  const entry = tree.find(path);
  if (entry === null || !entry.stats.isFile()) return [];
  // Neither followed nor waited for, should it have been exchanged since.
  const fd = openSync(entry.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return [];
    if (stats.size > accountFileBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `${entry.path}: expected at most ${accountFileBytesMax} bytes, found ${stats.size}`);
    return readFileSync(fd, 'utf8').split('\n').filter((line) => !line.startsWith('#')).map((line) => line.split(':'));
  } finally {
    closeSync(fd);
  }
}

function unknown(key: string, value: string, file: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_SITE_FILE', `${key}=${value}: expected a number, or a name in the root's ${file}; it is neither`);
}
