import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Connections whose request has not come whole. Whoever connects asks at once; a crowd that waits to do so all together would keep everybody else waiting.
 * So of more than `max` the one that has taken longest is closed.
 */
export class Unasked {
  readonly #sockets = new Set<Socket>();

  constructor(server: Server, max: number) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      if (this.#sockets.size > max) this.#closeFirst();
    });
  }

  asked(socket: Socket): void {
    this.#sockets.delete(socket);
  }

  #closeFirst(): void {
    for (const socket of this.#sockets) {
      this.#sockets.delete(socket);
      socket.destroy();
      return;
    }
  }
}
