import type { Socket } from 'node:net';

/** Most that one read of a socket gives: libuv's own measure. */
const readBytesMax = 64 * 1024;

/**
 * What any program sends is read into these very bytes, and they are whoever's reads next: whoever is given them has them until it returns. Node would make 64 KiB
 * for each read, and cut them down to what came.
 */
export const lent = Buffer.allocUnsafeSlow(readBytesMax);

/** Up to that many Node writes from its stack, and copies of them only what the socket does not take at once. */
const stackBytes = 16 * 1024;

/** Writes bytes that are another's as soon as this returns. @returns as `socket.write` */
export function writeLent(socket: Socket, bytes: Buffer): boolean {
  return bytes.length <= stackBytes ? socket.write(bytes.toString('latin1'), 'latin1') : socket.write(Buffer.from(bytes));
}
