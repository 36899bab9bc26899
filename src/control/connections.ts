import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The open connections of the control server, and how many requests of each are not answered yet. Kept here because Node
 * tells of a pipelined request whose connection dies before its turn neither `finish` nor `close`.
 */
export class Connections {
  readonly #pending = new Map<Socket, number>();
  /** Accepted, and nothing was asked yet: whoever connects means to, and has nobody else to ask. */
  readonly #silent = new Set<Socket>();
  /** What a connection asked is done in the order it was asked, also when it did not wait for the answers. */
  readonly #tails = new WeakMap<Socket, Promise<void>>();
  readonly #pipelinedMax: number;
  readonly #onQuiet: () => void;
  #busy = 0;
  #accepted = 0;

  /** @param pipelinedMax requests of one connection that are not answered */
  constructor(server: Server, pipelinedMax: number, onQuiet: () => void) {
    this.#pipelinedMax = pipelinedMax;
    this.#onQuiet = onQuiet;
    server.on('connection', (socket: Socket) => {
      this.#accepted += 1;
      this.#pending.set(socket, 0);
      this.#silent.add(socket);
      this.#busy++;
      socket.once('close', () => {
        const left = this.#pending.get(socket) ?? 0;
        this.#pending.delete(socket);
        this.#finished(this.#silent.delete(socket) ? left + 1 : left);
      });
    });
  }

  /** How many there have been. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Requests that are not answered, and connections on which nothing was asked yet. */
  get busy(): number {
    return this.#busy;
  }

  /** Calls `answer` when what the connection asked before is answered. Ends a connection that asks too much. */
  queue(socket: Socket, answer: () => Promise<void>): void {
    const pending = this.#pending.get(socket);
    if (pending === undefined) return;
    if (pending >= this.#pipelinedMax) {
      socket.destroy();
      return;
    }
    this.#pending.set(socket, pending + 1);
    if (!this.#silent.delete(socket)) this.#busy++;
    this.#tails.set(socket, this.#afterAll(socket).then(answer));
  }

  /** A request of this connection was answered. */
  answered(socket: Socket): void {
    const pending = this.#pending.get(socket);
    if (pending === undefined) return;
    this.#pending.set(socket, pending - 1);
    this.#finished(1);
  }

  afterAll(socket: Socket, then: () => void): void {
    void this.#afterAll(socket).then(then);
  }

  /** Those that have had their answers. */
  endQuiet(): void {
    for (const [socket, pending] of this.#pending) if (pending === 0 && !this.#silent.has(socket)) socket.destroy();
  }

  endSilent(): void {
    for (const socket of this.#silent) socket.destroy();
  }

  #afterAll(socket: Socket): Promise<void> {
    return this.#tails.get(socket) ?? Promise.resolve();
  }

  #finished(count: number): void {
    if (count === 0) return;
    this.#busy -= count;
    if (this.#busy === 0) this.#onQuiet();
  }
}
