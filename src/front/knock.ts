import type { Socket } from 'node:net';
import type { LeaseAddress } from '../control/types.ts';
import { connectTo } from './patient-connect.ts';

/**
 * A connection to the own socket of a site that sleeps, made while its lease is being asked for: it wakes the site as any client of that
 * socket does, so that the start does not wait for the answer. Only the lease says where the site really is: until then nothing
 * is sent on it, and if it is elsewhere, nothing ever.
 */
export class Knock {
  readonly #address: LeaseAddress;
  readonly #socket: Socket;
  readonly #ended = (): void => this.end();

  constructor(address: LeaseAddress) {
    this.#address = address;
    this.#socket = connectTo(address);
    // Whoever cannot be reached so is reached by the lease.
    this.#socket.on('error', () => {});
    this.#socket.once('end', this.#ended);
  }

  /** For the one request; null if it leads elsewhere, or is over already. */
  take({ family, address }: LeaseAddress): Socket | null {
    const socket = this.#socket;
    if (family !== this.#address.family || address !== this.#address.address || socket.destroyed) {
      this.end();
      return null;
    }
    return socket.off('end', this.#ended);
  }

  end(): void {
    this.#socket.destroy();
  }
}
