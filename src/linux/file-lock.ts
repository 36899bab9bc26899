/** One at a time among processes, flock(2): the kernel lets go of a lock with its last holder, however that ended. */
import { closeSync, openSync } from 'node:fs';
import { call, isErrno } from './libc.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Waits for others. The lock is held until the returned descriptor, for writing, is closed. @param path is made where it is missing, and stays */
export function lockFile(path: string): number {
  const fd = openSync(path, 'a', 0o600);
  try {
    call('flock', fd, LOCK_EX);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** As {@link lockFile}, while `act` runs. */
export function withFileLock<T>(path: string, act: () => T): T {
  const fd = lockFile(path);
  try {
    return act();
  } finally {
    closeSync(fd);
  }
}

/** Whether somebody holds the lock on this file, of which `fd` is a descriptor of our own. */
export function isLocked(fd: number): boolean {
  try {
    // Closed with `fd`, or let go of at once by who asks for it.
    call('flock', fd, LOCK_SH | LOCK_NB);
    return false;
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return true;
    throw error;
  }
}
