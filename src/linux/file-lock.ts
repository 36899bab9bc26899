/** One at a time among processes, flock(2): the kernel lets go of a lock with its last holder, however that ended. */
import { closeSync, openSync } from 'node:fs';
import { call } from './libc.ts';

const LOCK_EX = 2;

/** Waits for others, then runs `act`. @param path is made where it is missing, and stays */
export function withFileLock<T>(path: string, act: () => T): T {
  const fd = openSync(path, 'a', 0o600);
  try {
    call('flock', fd, LOCK_EX);
    return act();
  } finally {
    closeSync(fd);
  }
}
