import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { LeaseGrant } from './backend.ts';

/**
 * Answers with one JSON line and then holds the lease for as long as the connection lives, however it ends: closed by
 * the holder, by our own side, or half-closed (nothing tells a holder that crashed from one that only stopped sending).
 */
export function holdLease(socket: Socket, response: ServerResponse, { address, revoked, release }: LeaseGrant): void {
  socket.once('close', release);
  // A FIN that came together with the request has been announced already; nor did all wait for the grant.
  if (socket.readableEnded || socket.destroyed) {
    if (socket.closed) release();
    socket.destroy();
    return;
  }
  socket.once('end', () => socket.destroy());
  // A whole answer: its holder sees that it was ended, not lost.
  void revoked?.then(() => response.end());
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', Connection: 'close' });
  response.write(`${JSON.stringify(address)}\n`);
}
