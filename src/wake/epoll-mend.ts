/**
 * Adding our socket to a program's epoll set under the program's own number for it.
 *
 * epoll knows a registration by open file and number, and EPOLL_CTL_DEL by the program later names that number. So it
 * must be added by a process in whose own table the socket has that number: a short-lived child of ours.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { epollAddForeign } from '../linux/epoll.ts';
import { WakesockError } from '../base/errors.ts';
import type { Listener } from '../sockets/listener.ts';
import type { EpollRegistration } from './epoll-registrations.ts';

/** First argument of the child; src/bin.ts leads it to {@link addInChild}. */
export const epollAddVerb = '--epoll-add';
/** A child's table is filled up to the number: more than any program uses for its first sockets. */
const FD_NUMBER_MAX = 1023;

export async function mendEpoll(registrations: readonly EpollRegistration[], listener: Listener): Promise<void> {
  for (const { epoll, fd, events, data } of registrations) {
    if (fd > FD_NUMBER_MAX) throw mendError(`its number ${fd} exceeds ${FD_NUMBER_MAX}`);
    const epollNumber = fd === 3 ? 4 : 3;
    const stdio: ('ignore' | number)[] = Array.from({ length: Math.max(fd, epollNumber) + 1 }, () => 'ignore');
    stdio[fd] = listener.fd;
    stdio[epollNumber] = epoll;
    const child = spawn(process.execPath, [process.argv[1] ?? '', epollAddVerb, `${epollNumber}`, `${fd}`, `${events}`, `${data}`], { stdio, env: {} });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw mendError(`the helper exited with ${code}`);
  }
}

/** Runs in the child. */
export function addInChild(args: readonly string[]): void {
  const [epoll = '', fd = '', events = '', data = ''] = args;
  epollAddForeign(Number(epoll), Number(fd), Number(events), BigInt(data));
}

function mendError(reason: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_ADOPT', `The program registered its socket with epoll before bind, and that could not be mended: ${reason}`);
}
