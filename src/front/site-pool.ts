import { setImmediate as nextTurn } from 'node:timers/promises';
import { leaseHoldMs, upstreamIdleMsMax } from '../base/limits.ts';
import type { Lease, LeaseEnd } from '../control/client.ts';
import type { StoredState } from '../control/stored-state.ts';
import type { LeaseAddress, WakeCause } from '../control/types.ts';
import type { FrontKeys } from '../site/front-keys.ts';
import type { OwnAnswer } from './answer.ts';
import { HeldRequests, waitMsMax, type HeldRequestsOptions } from './held-requests.ts';
import { ProgramConnections, type ProgramConnectionsOptions } from './program-connections.ts';
import { SiteLease } from './site-lease.ts';
import { stateAnswer } from './sleeping.ts';
import { StandIn, type StandInOptions } from './stand-in.ts';
import type { Expiring } from './sweep.ts';
import type { Upstream, UpstreamOwner } from './upstream.ts';
import type { Waiting } from './waiting.ts';

export interface SitePoolOptions extends StandInOptions, HeldRequestsOptions, ProgramConnectionsOptions {
  readonly name: string;
  /** Where its own socket probably listens. Null: it has none, or nobody is woken there. */
  readonly address: () => LeaseAddress | null;
  readonly lease: (cause: WakeCause | null) => Promise<Lease>;
  readonly onNotReached: (error: unknown) => void;
  /** Why the site does not answer, if it is known. */
  readonly explain: () => Promise<OwnAnswer | null>;
  /** Nothing is held any more: nobody asks for the site. */
  readonly onQuiet: () => void;
}

/**
 * A site that is being asked for: its lease, the connections to its program, and who waits for them. While a request is in
 * flight the lease is held, or asked for again; with it requests go straight to the program.
 */
export class SitePool implements Expiring, UpstreamOwner {
  deadlineMs = Infinity;
  readonly name: string;
  readonly standIn: StandIn;
  readonly #options: SitePoolOptions;
  readonly #lease: SiteLease;
  readonly #connections: ProgramConnections;
  readonly #held: HeldRequests;
  /** Who waits for a lease. */
  readonly #waiting = new Set<Waiting>();
  #inFlight = 0;
  /** The program has answered under this lease: it is awake. */
  #awake = false;
  /** In the place of those who look at a waiting page: {@link #connectAhead}. */
  #ahead: Waiting | null = null;

  constructor(options: SitePoolOptions) {
    this.name = options.name;
    this.#options = options;
    this.standIn = new StandIn(options);
    this.#held = new HeldRequests(options);
    this.#connections = new ProgramConnections(this, options);
    this.#lease = new SiteLease({
      lease: options.lease,
      wanted: () => this.#wanted,
      waitMsMax: () => waitMsMax(options.keys()),
      // Node connects when this turn is over. To ask takes half a millisecond, and ten in a process that asks for the first time.
      before: () => (this.#connections.knocks ? nextTurn() : null),
      onHeld: (lease) => this.#leaseHeld(lease),
      onRefused: (answer) => this.#leaseRefused(answer),
      onNotReached: options.onNotReached,
      onLost: (how) => this.#leaseLost(how),
    });
    options.sweep.add(this);
    this.#restBegins();
  }

  /** What the site's file says, at this moment. */
  get keys(): FrontKeys {
    return this.#options.keys();
  }

  /** The program has answered a moment ago: nothing is asked, nothing is looked at. */
  get awake(): boolean {
    return this.#awake;
  }

  // Who wants the site.

  /**
   * A connection for one exchange. Null: `client.connected` or `client.fail` will be called.
   * @param fresh not one that was used before
   */
  acquire(client: Waiting, fresh: boolean): Upstream | null {
    this.#inFlight++;
    this.deadlineMs = Infinity;
    if (!this.#awake) {
      if (!this.#held.enter(client)) {
        client.fail({ status: 503, message: 'Too many requests wait for this site already', code: 'ERR_WAKESOCK_LIMIT', retryAfterMs: 1_000 }, false);
        return null;
      }
      if (this.#inFlight === 1) this.#knock();
    }
    this.#lease.askedBy(client);
    return this.reconnect(client, fresh);
  }

  #knock(): void {
    this.#lease.setAside();
    const address = this.#options.address();
    if (address !== null) this.#connections.knock(address);
  }

  /** As {@link acquire}, for an exchange that has been counted. */
  reconnect(client: Waiting, fresh: boolean): Upstream | null {
    const lease = this.#lease.held;
    if (lease !== null) return this.#connections.take(lease.address, client, fresh);
    this.#waiting.add(client);
    void this.#lease.ask();
    return null;
  }

  /** The site is in use: a lease is held, or asked for. Ended by {@link release}. */
  hold(client: Waiting): void {
    this.#inFlight++;
    this.deadlineMs = Infinity;
    this.#lease.askedBy(client);
    if (this.#lease.held === null) void this.#lease.ask();
  }

  /** Ends what {@link acquire} or {@link hold} began. */
  release(client: Waiting): void {
    this.#waiting.delete(client);
    this.#held.leave(client);
    this.#connections.cancel(client);
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    this.#connections.endKnock();
    this.#restBegins();
  }

  get #wanted(): boolean {
    return this.#inFlight > 0 || this.#held.watched;
  }

  // The lease comes and goes.

  #leaseHeld(lease: Lease): void {
    this.#connections.leaseBegins();
    this.#awake = false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const client of waiting) {
      const upstream = this.#connections.take(lease.address, client, !client.reuses);
      if (upstream !== null) client.connected(upstream);
    }
    this.#connections.endKnock();
  }

  #leaseRefused(answer: OwnAnswer): void {
    this.#connections.endKnock();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const client of waiting) client.fail(answer, false);
  }

  /**
   * The activator has ended: exchanges go on, the program's socket is not the activator's. Or the program has: then the exchanges
   * with it are over, whether they know it yet or not, and nothing is to be started for them.
   */
  #leaseLost(how: LeaseEnd): void {
    if (how === 'revoked') {
      this.#connections.programEnded();
      this.#held.unreached = null;
    }
    if (how === 'revoked' || !this.#wanted) this.#awake = false;
    for (const client of this.#connections.leave()) this.#waiting.add(client);
    if (how === 'lost' ? this.#wanted : this.#waiting.size > 0) void this.#lease.ask();
  }

  // Connections tell of the program.

  /** A connection whose exchange is complete. */
  put(upstream: Upstream): void {
    if (this.#lease.held === null) upstream.socket.destroy();
    else this.#connections.put(upstream);
  }

  gone(upstream: Upstream): void {
    // Nothing was asked on it, so that it may be the program that is gone.
    if (this.#connections.remove(upstream)) this.#awake = false;
  }

  answers(program: number): void {
    if (!this.#connections.isOfNow(program)) return;
    this.#awake = true;
    this.#held.siteAnswers();
  }

  explain(): Promise<OwnAnswer | null> {
    return this.#options.explain();
  }

  // What is said meanwhile.

  /** `GET /.well-known/wakesock` */
  stateAnswer(method: string): OwnAnswer {
    return stateAnswer(this.#awake ? { state: 'awake', error: null } : this.#state, method);
  }

  /** The unit of a relayed site is up before its program listens. */
  get #state(): StoredState {
    const stored = this.#options.state();
    return stored.state === 'awake' && this.#connections.someConnecting ? { ...stored, state: 'waking' } : stored;
  }

  /**
   * A request has been held for so long; what to do about it.
   * @returns an answer; or after how long, from its beginning, this is asked again: Infinity where the program has it
   */
  heldAnswer(client: Waiting, { navigation, host, heldMs }: { navigation: boolean; host: string; heldMs: number }): OwnAnswer | number {
    if (this.#awake) return Infinity;
    const waitsFor = this.#connections.isConnecting(client) ? 'listen' : this.#waiting.has(client) ? 'lease' : 'answer';
    const answer = this.#held.answer(waitsFor, navigation, heldMs);
    if (answer !== 'page') return answer;
    const page = this.#held.page(host, heldMs);
    this.#connectAhead();
    return page;
  }

  /**
   * Who looks at the page has no connection any more. One for all of them waits for the program of a relayed site to listen, so that it is known when
   * it does; the first that comes again is given it.
   */
  #connectAhead(): void {
    if (this.#options.patienceMs === null || this.#ahead !== null) return;
    const done = (): void => {
      this.#ahead = null;
      this.release(ahead);
    };
    const ahead: Waiting = {
      reuses: false,
      cause: () => this.#lease.cause ?? { at: '', client: '', method: '', host: '', path: '', agent: '' },
      connected: (upstream) => {
        this.put(upstream);
        done();
      },
      fail: (answer) => {
        this.#held.unreached = answer;
        done();
      },
    };
    this.#ahead = ahead;
    this.#inFlight++;
    this.reconnect(ahead, true);
  }

  // Nobody wants it any more.

  #restBegins(): void {
    this.deadlineMs = this.#options.sweep.nowMs + Math.max(leaseHoldMs, upstreamIdleMsMax);
  }

  /** Nobody has asked for a while. */
  expire(): void {
    if (this.#wanted) {
      // Once more, when it is awake: who looks at the page comes then.
      const { state } = this.#state;
      if (state === 'awake' || state === 'failed') this.#held.endPages();
      if (state !== 'failed') return this.#restBegins();
    }
    this.#connections.endIdle();
    this.#lease.release();
    this.#options.sweep.remove(this);
    this.#options.onQuiet();
  }
}
