import { idleClientsMaxDefault } from '../base/limits.ts';

/** Connections between two requests, the one that has been so for longest first: of too many that one is closed. */
export class IdleClients {
  readonly #max: number;
  readonly #all = new Set<{ close(): void }>();

  constructor(max = idleClientsMaxDefault) {
    this.#max = max;
  }

  add(client: { close(): void }): void {
    this.#all.add(client);
    if (this.#all.size <= this.#max) return;
    const [oldest] = this.#all;
    if (oldest === undefined) return;
    this.#all.delete(oldest);
    oldest.close();
  }

  delete(client: { close(): void }): void {
    this.#all.delete(client);
  }
}
