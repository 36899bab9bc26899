/** What the kernel knows of a site's clients, without touching a connection (sock_diag(7)). */
import { unreadMsMax } from '../base/limits.ts';
import { inetSockets, unixSockets, type InetSocket } from '../linux/sock-diag.ts';
import type { Listener } from '../sockets/listener.ts';

export interface Activity {
  /** Connected to, not yet accepted. */
  readonly waiting: number;
  /** SYNs answered, handshake not over. */
  readonly halfOpen: number;
  readonly established: number;
  /** Since the last bytes came that the program has not read; Infinity where it has read all, 0 where it is not known. */
  readonly unreadMs: number;
  /** Since data last came or went on any established connection; Infinity where there is none. */
  readonly quietMs: number;
}

export function lookAt(listeners: readonly Listener[]): Activity {
  return listeners.map(lookAtOne).reduce(
    (sum, one) => ({
      waiting: sum.waiting + one.waiting,
      halfOpen: sum.halfOpen + one.halfOpen,
      established: sum.established + one.established,
      unreadMs: Math.min(sum.unreadMs, one.unreadMs),
      quietMs: Math.min(sum.quietMs, one.quietMs),
    }),
    { waiting: 0, halfOpen: 0, established: 0, unreadMs: Infinity, quietMs: Infinity },
  );
}

/**
 * Whether all are gone who could lose something: nobody waits, and nothing has come or gone for `quietMsMin`. Bytes that the
 * program has not read were received within that time, too, unless it is shorter than {@link unreadMsMax}.
 */
export function isNobody({ waiting, halfOpen, unreadMs, quietMs }: Activity, quietMsMin: number): boolean {
  return waiting === 0 && halfOpen === 0 && unreadMs >= unreadMsMax && quietMs >= quietMsMin;
}

/** Whether the program has clients: those who wait to be accepted are connected as well. */
export function hasAccepted({ established, waiting }: Activity): boolean {
  return established > waiting;
}

function lookAtOne(listener: Listener): Activity {
  const { address } = listener;
  if (address.family === 'unix') {
    const sockets = unixSockets(new Set([address.path]));
    const established = sockets.filter((socket) => !socket.listening);
    return {
      waiting: sockets.find((socket) => socket.inode === listener.inode)?.receiveQueue ?? 0,
      halfOpen: 0,
      established: established.length,
      // UNIX sockets keep no times: whoever is connected counts as active.
      unreadMs: established.some((socket) => socket.receiveQueue > 0) ? 0 : Infinity,
      quietMs: established.length > 0 ? 0 : Infinity,
    };
  }
  if (address.family === 'other') throw new TypeError(`${listener.text} is not an address`);
  const sockets = inetSockets(address.family, address.port).filter((socket) => isOf(socket, listener, address.address));
  const established = sockets.filter((socket) => socket.state === 'established');
  return {
    waiting: sockets.find((socket) => socket.state === 'listen')?.receiveQueue ?? 0,
    halfOpen: sockets.filter((socket) => socket.state === 'half-open').length,
    established: established.length,
    unreadMs: leastMs(established.filter((socket) => socket.receiveQueue > 0).map((socket) => socket.lastReceivedMs)),
    quietMs: leastMs(established.flatMap((socket) => [socket.lastReceivedMs, socket.lastSentMs])),
  };
}

function leastMs(times: readonly (number | null)[]): number {
  return times.reduce<number>((least, ms) => Math.min(least, ms ?? 0), Infinity);
}

/** A socket on a wildcard address serves every local one. */
function isOf(socket: InetSocket, listener: Listener, address: string): boolean {
  if (socket.state === 'listen') return socket.inode === listener.inode;
  return address === '0.0.0.0' || address === '::' || socket.localAddress === address;
}
