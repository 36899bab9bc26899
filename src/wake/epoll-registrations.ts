/** Epoll sets of a program that know one of its descriptors (proc_pid_fdinfo(5): `tfd`, `events`, `data`). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isErrno, closeFd } from '../linux/libc.ts';
import { pidfdGetFd, pidfdOpen } from '../linux/pidfd.ts';

export interface EpollRegistration {
  /** Our copy of the program's epoll descriptor; the caller closes it. */
  readonly epoll: number;
  /** The number under which the program registered its descriptor. */
  readonly fd: number;
  readonly events: number;
  readonly data: bigint;
}

/** Empty for almost every program: most register after `listen`. Those that registered before `bind` would get no events. */
export function epollRegistrations(processId: number, fd: number): EpollRegistration[] {
  const found: EpollRegistration[] = [];
  try {
    for (const number of readdirSync(`/proc/${processId}/fd`)) {
      if (linkOf(processId, number) !== 'anon_inode:[eventpoll]') continue;
      for (const { events, data } of registered(processId, number, fd)) {
        const epoll = copyOf(processId, Number(number));
        if (epoll !== null) found.push({ epoll, fd, events, data });
      }
    }
    return found;
  } catch (error) {
    // The caller never sees what was found until then.
    for (const { epoll } of found) closeFd(epoll);
    throw error;
  }
}

/** Whether any epoll set of the process watches the socket of this inode. False where the process is gone. */
export function watchesByEpoll(processId: number, inode: number): boolean {
  try {
    return readdirSync(`/proc/${processId}/fd`).some((number) => linkOf(processId, number) === 'anon_inode:[eventpoll]'
      && [...readFileSync(`/proc/${processId}/fdinfo/${number}`, 'utf8').matchAll(/^tfd:.* ino:([0-9a-f]+)/gm)].some(([, ino]) => Number.parseInt(ino ?? '', 16) === inode));
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}

function registered(processId: number, epoll: string, fd: number): { events: number; data: bigint }[] {
  const info = readFileSync(`/proc/${processId}/fdinfo/${epoll}`, 'utf8');
  return [...info.matchAll(/^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)/gm)]
    .filter((match) => Number(match[1]) === fd)
    .map((match) => ({ events: Number.parseInt(match[2] ?? '0', 16), data: BigInt(`0x${match[3] ?? '0'}`) }));
}

function copyOf(processId: number, fd: number): number | null {
  const pidfd = pidfdOpen(processId);
  if (pidfd === null) return null;
  try {
    return pidfdGetFd(pidfd, fd);
  } finally {
    closeFd(pidfd);
  }
}

function linkOf(processId: number, fd: string): string | null {
  try {
    return readlinkSync(`/proc/${processId}/fd/${fd}`);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
