import type { LeaseAddress } from '../control/types.ts';
import { IdleUpstreams } from './idle-upstreams.ts';
import { Knock } from './knock.ts';
import { connectTo, PatientConnect } from './patient-connect.ts';
import type { Sweep } from './sweep.ts';
import { Upstream, type UpstreamOwner } from './upstream.ts';
import type { Waiting } from './waiting.ts';

export interface ProgramConnectionsOptions {
  readonly sweep: Sweep;
  /** For how long a connection that is refused is tried again; null: it is not, since the site's own socket holds it while nobody serves. */
  readonly patienceMs: number | null;
  /** A client was not served since nobody listened in time. */
  readonly onUnreachable?: (error: NodeJS.ErrnoException) => void;
}

/** The connections to a site's program: those on which nothing is asked just now, and those that are being made. */
export class ProgramConnections {
  readonly #owner: UpstreamOwner;
  readonly #options: ProgramConnectionsOptions;
  readonly #idle: IdleUpstreams;
  /** Who waits for the program to listen. */
  readonly #connecting = new Map<Waiting, AbortController>();
  #patient: PatientConnect | null = null;
  /** For the first of those who wait for a lease. */
  #knock: Knock | null = null;
  /** Counts the programs that are known to be over. */
  #program = 0;

  constructor(owner: UpstreamOwner, options: ProgramConnectionsOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#idle = new IdleUpstreams(options.sweep);
  }

  /** Connects, before it is known that the site is there: {@link Knock}. */
  knock(address: LeaseAddress): void {
    this.#knock = new Knock(address);
  }

  get knocks(): boolean {
    return this.#knock !== null;
  }

  endKnock(): void {
    this.#knock?.end();
    this.#knock = null;
  }

  /**
   * @param address where the lease says that the program is
   * @param fresh not one that was used before
   * @returns null: `client.connected` or `client.fail` will be called
   */
  take(address: LeaseAddress, client: Waiting, fresh: boolean): Upstream | null {
    return (fresh ? null : this.#idle.take()) ?? this.#fresh(address, client);
  }

  #fresh(address: LeaseAddress, client: Waiting): Upstream | null {
    if (this.#options.patienceMs === null) {
      const knock = this.#knock;
      this.#knock = null;
      return new Upstream(this.#owner, knock?.take(address) ?? connectTo(address), this.#program);
    }
    void this.#connectPatiently(address, client, this.#options.patienceMs);
    return null;
  }

  /** Nothing of a request is sent before somebody listens: so it can wait, however often it is refused. */
  async #connectPatiently(address: LeaseAddress, client: Waiting, patienceMs: number): Promise<void> {
    const abort = new AbortController();
    this.#connecting.set(client, abort);
    this.#patient ??= new PatientConnect(address);
    try {
      const socket = await this.#patient.connect(abort.signal, patienceMs);
      if (abort.signal.aborted) {
        socket.destroy();
        return;
      }
      this.#connecting.delete(client);
      client.connected(new Upstream(this.#owner, socket, this.#program));
    } catch (error) {
      if (abort.signal.aborted) return;
      this.#connecting.delete(client);
      this.#options.onUnreachable?.(error as NodeJS.ErrnoException);
      client.fail({ status: 503, message: `Nobody answers for this site (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, code: 'ERR_WAKESOCK_START_TIMEOUT', retryAfterMs: 5_000 }, false);
    }
  }

  /** Somebody waits for the program to listen. */
  get someConnecting(): boolean {
    return this.#connecting.size > 0;
  }

  isConnecting(client: Waiting): boolean {
    return this.#connecting.has(client);
  }

  /** It waits for nothing any more. */
  cancel(client: Waiting): void {
    this.#connecting.get(client)?.abort();
    this.#connecting.delete(client);
  }

  /** Its exchange is complete. */
  put(upstream: Upstream): void {
    this.#idle.put(upstream);
  }

  /** It has ended. False: an exchange was on it. */
  remove(upstream: Upstream): boolean {
    return this.#idle.remove(upstream);
  }

  /** @param program as an upstream has it: what comes from one that is over tells nothing of now */
  isOfNow(program: number): boolean {
    return program === this.#program;
  }

  /** The program is over: whoever comes from it, later, is of the one before. */
  programEnded(): void {
    this.#program++;
  }

  /** The program may have to be started anew, and be elsewhere then. @returns who waited for it to listen */
  leave(): Waiting[] {
    this.#patient = null;
    this.endIdle();
    const left = [...this.#connecting.keys()];
    for (const abort of this.#connecting.values()) abort.abort();
    this.#connecting.clear();
    return left;
  }

  /** Nothing will be asked any more on those that nothing is asked on. */
  endIdle(): void {
    this.#idle.end();
  }

  /** There is a lease, by which the program may be elsewhere. */
  leaseBegins(): void {
    this.#patient = null;
  }
}
