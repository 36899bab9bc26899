/** What the kernel knows of a site's clients, without touching a connection (sock_diag(7)). */
import { inetSockets, unixSockets, type InetSocket } from '../linux/sock-diag.ts';
import type { Listener } from '../sockets/listener.ts';

export interface Activity {
  /** Connected to, not yet accepted. */
  readonly waiting: number;
  /** SYNs answered, handshake not over. */
  readonly halfOpen: number;
  readonly established: number;
  /** Some accepted connection holds bytes that the program has not read. */
  readonly unread: boolean;
  /** Since data last came or went on any established connection; Infinity where there is none. */
  readonly quietMs: number;
}

export function lookAt(listeners: readonly Listener[]): Activity {
  return listeners.map(lookAtOne).reduce(
    (sum, one) => ({
      waiting: sum.waiting + one.waiting,
      halfOpen: sum.halfOpen + one.halfOpen,
      established: sum.established + one.established,
      unread: sum.unread || one.unread,
      quietMs: Math.min(sum.quietMs, one.quietMs),
    }),
    { waiting: 0, halfOpen: 0, established: 0, unread: false, quietMs: Infinity },
  );
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
      unread: established.some((socket) => socket.receiveQueue > 0),
      // UNIX sockets keep no times: whoever is connected counts as active.
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
    unread: established.some((socket) => socket.receiveQueue > 0),
    quietMs: established.reduce((least, socket) => Math.min(least, socket.lastReceivedMs ?? 0, socket.lastSentMs ?? 0), Infinity),
  };
}

/** A socket on a wildcard address serves every local one. */
function isOf(socket: InetSocket, listener: Listener, address: string): boolean {
  if (socket.state === 'listen') return socket.inode === listener.inode;
  return address === '0.0.0.0' || address === '::' || socket.localAddress === address;
}
