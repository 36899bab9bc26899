/**
 * Whether files can be mounted as if they belonged to a site's own ids, tried: not every file system can do it (an overlay cannot, nor
 * can NFS; tmpfs since Linux 6.3).
 */
import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeError } from '../base/errors.ts';
import type { IdRange } from '../base/site.ts';
import { tryIdmapped } from '../linux/detached-mount.ts';
import { isErrno } from '../linux/libc.ts';
import { fileSystemOf, type MountEntry } from '../linux/mount-table.ts';
import { makeUserNamespace } from '../linux/user-namespace.ts';
import { closeFd } from '../linux/libc.ts';

/** To try with: no process ever has them. */
const anyIds: IdRange = { first: 0x6fff_0000, count: 1 };
const othersMayEnter = 0o001;

/** Says of a file or directory what is in the way, for people; null: nothing. */
export type Mappable = (path: string) => string | null;

/** @returns what `act` does, or why there are no user namespaces */
export function withMappable<T>(table: readonly MountEntry[], act: (mappable: Mappable) => T): T | string {
  let userNamespace: number;
  try {
    userNamespace = makeUserNamespace(anyIds);
  } catch (error) {
    return `the machine makes no user namespace: ${describeError(error).message} (sysctl user.max_user_namespaces)`;
  }
  try {
    return act((path) => problemOf(path, userNamespace, table));
  } finally {
    closeFd(userNamespace);
  }
}

function problemOf(path: string, userNamespace: number, table: readonly MountEntry[]): string | null {
  const real = realpathSync(path);
  try {
    tryIdmapped(real, userNamespace);
    return null;
  } catch (error) {
    const why = isErrno(error, 'EINVAL') ? 'whose files cannot be given other owners for a mount on this kernel' : describeError(error).message;
    return `${path} is on a file system of type ${fileSystemOf(table, real)}, ${why}`;
  }
}

/** The first process of a container goes to its root as somebody whom the machine does not know. */
export function entryProblem(path: string): string | null {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & othersMayEnter) === 0) return `${directory} may not be entered by everybody (chmod o+x)`;
    if (directory === '/') return null;
  }
}
