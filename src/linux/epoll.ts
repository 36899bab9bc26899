/** epoll(7). One set, waited on by one thread of libuv's pool. */
import { machine } from './constants.ts';
import { call, callAsync, isErrno } from './libc.ts';

export const EPOLLIN = 0x001;
export const EPOLLPRI = 0x002;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
/** The reading side was shut down. */
export const EPOLLRDHUP = 0x2000;
/** Disarmed after one event until armed again with {@link epollModify}. */
export const EPOLLONESHOT = 0x40000000;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLL_CLOEXEC = 0o2000000;

export interface EpollEvent {
  /** What the descriptor was added with. */
  readonly token: number;
  readonly events: number;
}

export function epollCreate(): number {
  return call('epoll_create1', EPOLL_CLOEXEC);
}

/** @param token comes back with every event: 53 bits, and not the descriptor, whose number is soon another's */
export function epollAdd(epoll: number, fd: number, events: number, token: number): void {
  call('epoll_ctl', epoll, EPOLL_CTL_ADD, fd, tokenEvent(events, token));
}

export function epollModify(epoll: number, fd: number, events: number, token: number): void {
  call('epoll_ctl', epoll, EPOLL_CTL_MOD, fd, tokenEvent(events, token));
}

export function epollRemove(epoll: number, fd: number): void {
  call('epoll_ctl', epoll, EPOLL_CTL_DEL, fd, tokenEvent(0, 0));
}

/** Adds `fd` to a set that is not ours, with that set's own 64 bits of data. Adding it again is harmless. */
export function epollAddForeign(epoll: number, fd: number, events: number, data: bigint): void {
  try {
    call('epoll_ctl', epoll, EPOLL_CTL_ADD, fd, epollEvent(events, data));
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    call('epoll_ctl', epoll, EPOLL_CTL_MOD, fd, epollEvent(events, data));
  }
}

/** Waits without limit for up to `buffer` full of events. */
export async function epollWait(epoll: number, buffer: Buffer): Promise<readonly EpollEvent[]> {
  const { epollEventBytes, epollDataOffset } = machine();
  const count = await callAsync('epoll_wait', epoll, buffer, Math.floor(buffer.length / epollEventBytes), -1);
  const events: EpollEvent[] = [];
  // A negative count is EINTR: there is nothing to report, the caller waits again.
  for (let index = 0; index < count; index += 1) {
    const at = index * epollEventBytes;
    events.push({ events: buffer.readUInt32LE(at), token: Number(buffer.readBigUInt64LE(at + epollDataOffset)) });
  }
  return events;
}

/** An activator may begin with ten thousand of them: one buffer serves all, since the kernel has read it when the call is over. */
let scratch: Buffer | null = null;

function tokenEvent(events: number, token: number): Buffer {
  const { epollEventBytes, epollDataOffset } = machine();
  scratch ??= Buffer.alloc(epollEventBytes);
  scratch.writeUInt32LE(events >>> 0, 0);
  scratch.writeUInt32LE(token >>> 0, epollDataOffset);
  scratch.writeUInt32LE(Math.floor(token / 2 ** 32), epollDataOffset + 4);
  return scratch;
}

function epollEvent(events: number, data: bigint): Buffer {
  const { epollEventBytes, epollDataOffset } = machine();
  const event = Buffer.alloc(epollEventBytes);
  event.writeUInt32LE(events >>> 0, 0);
  event.writeBigUInt64LE(data, epollDataOffset);
  return event;
}
