/** Descriptors: flags, pipes, FIFOs, bounded reads. */
import { O_CLOEXEC, O_NONBLOCK } from './constants.ts';
import { call, isErrno } from './libc.ts';

const F_GETFL = 3;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const F_DUPFD_CLOEXEC = 1030;
const POLLIN = 1;
export const POLLPRI = 2;
export const POLLHUP = 0x10;
/** The reading side was shut down. */
export const POLLRDHUP = 0x2000;

/** Status flags of the open file description, shared by all its holders. */
export function getStatusFlags(fd: number): number {
  return call('fcntl', fd, F_GETFL, 0);
}

export function setStatusFlags(fd: number, flags: number): void {
  call('fcntl', fd, F_SETFL, flags);
}

/** A copy, close-on-exec. @param from the lowest number that it may have */
export function duplicateFd(fd: number, from = 3): number {
  return call('fcntl', fd, F_DUPFD_CLOEXEC, from);
}

/** Only the read end is non-blocking: the write end becomes a program's stdout. */
export function makePipe(): { readEnd: number; writeEnd: number } {
  const ends = Buffer.alloc(8);
  call('pipe2', ends, O_CLOEXEC);
  const readEnd = ends.readInt32LE(0);
  setStatusFlags(readEnd, O_NONBLOCK);
  return { readEnd, writeEnd: ends.readInt32LE(4) };
}

export function makeFifo(path: string, mode: number): void {
  call('mkfifo', path, mode);
}

export function setPipeSize(fd: number, bytes: number): void {
  call('fcntl', fd, F_SETPIPE_SZ, bytes);
}

/** Null: nothing there now. Empty: the other side has closed. */
export function readAvailable(fd: number, buffer: Buffer): Buffer | null {
  try {
    return buffer.subarray(0, call('read', fd, buffer, buffer.length));
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return null;
    throw error;
  }
}

/** Those of `events` that hold for `fd` at this moment; error and hang-up always count. */
export function eventsNow(fd: number, events: number): number {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(events, 4);
  return call('poll', entry, 1, 0) === 0 ? 0 : entry.readInt16LE(6);
}

/** Those of `fds` that are readable (or in error) at this moment. */
export function readableNow(fds: readonly number[]): number[] {
  // struct pollfd: the number, then what is asked and what holds, 16 bits each. There may be ten thousand, on the way of a client.
  const entries = new Int32Array(2 * fds.length);
  fds.forEach((fd, index) => {
    entries[index * 2] = fd;
    entries[index * 2 + 1] = POLLIN;
  });
  if (call('poll', entries, fds.length, 0) === 0) return [];
  return fds.filter((_, index) => ((entries[index * 2 + 1] ?? 0) >>> 16) !== 0);
}
