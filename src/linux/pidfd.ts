/** pidfd_open(2), pidfd_getfd(2), pidfd_send_signal(2): the numbers are the same on every machine. */
import { machine } from './constants.ts';
import { call, closeFd, isErrno } from './libc.ts';

const SYS_pidfd_send_signal = 424;
const SYS_pidfd_open = 434;
const SYS_pidfd_getfd = 438;
const SIGKILL = 9;
const POLLIN = 1;
/** A process in an uninterruptible wait is not worth waiting for. */
const KILL_MS_MAX = 2_000;

/** Null where there is no such process. The descriptor polls readable when the process ends. */
export function pidfdOpen(pid: number): number | null {
  try {
    return call('syscall', SYS_pidfd_open, pid, 0, 0, 0, 0);
  } catch (error) {
    if (isErrno(error, 'ESRCH') || isErrno(error, 'EINVAL')) return null;
    throw error;
  }
}

/** A copy of another process's descriptor; null where it has none of that number or is gone. */
export function pidfdGetFd(pidfd: number, fd: number): number | null {
  try {
    return call('syscall', SYS_pidfd_getfd, pidfd, fd, 0, 0, 0);
  } catch (error) {
    if (isErrno(error, 'EBADF') || isErrno(error, 'ESRCH')) return null;
    throw error;
  }
}

/** False where the process is gone. */
export function pidfdSignal(pidfd: number, signal: number): boolean {
  try {
    call('syscall', SYS_pidfd_send_signal, pidfd, signal, 0, 0, 0);
    return true;
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}

/** Signals the first thread of a process, tgkill(2). False where it is gone; only for a number that cannot have been used again. */
export function signalFirstThread(pid: number, signal: number): boolean {
  try {
    call('syscall', machine().tgkill, pid, pid, signal, 0, 0);
    return true;
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}

/** Kills the process and blocks until it is gone: SIGKILL takes no time that anybody could use. False where there was none. */
export function killAndWait(pid: number): boolean {
  const pidfd = pidfdOpen(pid);
  if (pidfd === null) return false;
  try {
    if (!pidfdSignal(pidfd, SIGKILL)) return false;
    const entry = Buffer.alloc(8);
    entry.writeInt32LE(pidfd, 0);
    entry.writeInt16LE(POLLIN, 4);
    call('poll', entry, 1, KILL_MS_MAX);
    return true;
  } finally {
    closeFd(pidfd);
  }
}
