import type { Socket } from 'node:net';

/** Ends a connection so that half an answer does not look like a whole one: with a reset, where there is such a thing. UNIX sockets know none. */
export function cutOff(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
