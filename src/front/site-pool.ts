import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { WakesockError } from '../base/errors.ts';
import { leaseHoldMs, upstreamIdleMsMax } from '../base/limits.ts';
import { BackoffError } from '../control/backend.ts';
import type { Lease, LeaseEnd } from '../control/client.ts';
import type { StoredState } from '../control/stored-state.ts';
import type { LeaseAddress, WakeCause } from '../control/types.ts';
import type { FrontKeys } from '../site/front-keys.ts';
import type { OwnAnswer } from './answer.ts';
import type { FrontFiles } from './front-files.ts';
import { IdleUpstreams } from './idle-upstreams.ts';
import { Knock } from './knock.ts';
import { rulesOf } from './no-wake.ts';
import type { Keeping } from './keeping.ts';
import type { RequestFacts } from './request-facts.ts';
import type { RequestHead } from './request-head.ts';
import type { SiteAnswers } from './site-answers.ts';
import { noWakeAnswer, stateAnswer, waitAnswer } from './sleeping.ts';
import type { Expiring, Sweep } from './sweep.ts';
import { PatientConnect, connectTo } from './patient-connect.ts';
import { Upstream } from './upstream.ts';

/** Who asks for a connection to a site's program. */
export interface Waiting {
  /** It may share a connection that others have used; else it gets a fresh one. */
  readonly reuses: boolean;
  /** For whom the site is woken. */
  cause(): WakeCause;
  connected(upstream: Upstream): void;
  /** @param unanswered a fresh connection was closed without a word: the site may know why */
  fail(answer: OwnAnswer, unanswered: boolean): void;
}

export interface SitePoolOptions {
  readonly name: string;
  readonly sweep: Sweep;
  readonly files: FrontFiles;
  readonly answers: SiteAnswers;
  /** What its file says, at this moment. */
  readonly keys: () => FrontKeys;
  /** Whether there is any `NoWake=`. */
  readonly hasRules: () => boolean;
  /** Where its own socket probably listens. Null: it has none, or nobody is woken there. */
  readonly address: () => LeaseAddress | null;
  /** What is known of it without asking anybody. */
  readonly state: () => StoredState;
  readonly lease: (cause: WakeCause | null) => Promise<Lease>;
  /** Why the site does not answer, if it is known. */
  readonly explain: () => Promise<OwnAnswer | null>;
  /** For how long a connection that is refused is tried again; null: it is not, since the site's own socket holds it while nobody serves. */
  readonly patienceMs: number | null;
  /** A client was not served since nobody listened in time. */
  readonly onUnreachable?: (error: NodeJS.ErrnoException) => void;
  /** Nothing is held any more: nobody asks for the site. */
  readonly onQuiet: () => void;
}

/** Whoever waits for a lease is looked at again. */
const askAgainMs = 250;
const retryFirstMs = 50;
const retryMaxMs = 1_000;

/**
 * A site that is being asked for: its lease, the connections to its program, and who waits for it. While a request is in
 * flight the lease is held, or asked for again; with it requests go straight to the program.
 */
export class SitePool implements Expiring {
  deadlineMs = Infinity;
  readonly name: string;
  readonly #options: SitePoolOptions;
  readonly #idle: IdleUpstreams;
  readonly #waiting = new Set<Waiting>();
  /** Who has asked while it was not known to be awake. What else is in flight, tunnels and long answers, waits for nothing. */
  readonly #held = new Set<Waiting>();
  /** Who waits for the program to listen. */
  readonly #connecting = new Map<Waiting, AbortController>();
  #lease: Lease | null = null;
  #patient: PatientConnect | null = null;
  /** Held until another is had: the site may have gone to sleep under it, and who wakes it now is to be told. */
  #formerLease: Lease | null = null;
  /** For the first of those who wait. */
  #knock: Knock | null = null;
  #asking = false;
  #inFlight = 0;
  /** Counts the programs that are known to be over. */
  #program = 0;
  /** The program has answered under this lease: it is awake. */
  #awake = false;
  /** Since when the site is asked for without having answered; of a page that is shown again. */
  #askedSinceMs: number | null = null;
  /** Whom the lease is asked for. */
  #cause: WakeCause | null = null;
  /** In the place of those who look at a waiting page: {@link #connectAhead}. */
  #ahead: Waiting | null = null;
  /** It waited in vain. */
  #unreached: OwnAnswer | null = null;
  /** Until then the site is woken also for those who look at a waiting page, and have no request in flight. */
  #pageUntilMs = 0;

  constructor(options: SitePoolOptions) {
    this.name = options.name;
    this.#options = options;
    this.#idle = new IdleUpstreams(options.sweep);
    options.sweep.add(this);
    this.#restBegins();
  }

  /** The program has answered a moment ago: nothing is asked, nothing is looked at. */
  get awake(): boolean {
    return this.#awake;
  }

  /** `Upgrade=` */
  get upgrades(): readonly string[] {
    return this.#options.keys().upgrades;
  }

  /** `AllowConnect=` */
  get connects(): boolean {
    return this.#options.keys().allowConnect;
  }

  /** `GET /.well-known/wakesock` */
  stateAnswer(method: string): OwnAnswer {
    return stateAnswer(this.#awake ? { state: 'awake', error: null } : this.#state, method);
  }

  /** The answer to a request that is not to wake the site (`NoWake=`), if it sleeps. */
  sleepingAnswer(facts: () => RequestFacts, client: () => string, kept: (ageMsMax: number) => OwnAnswer | null): OwnAnswer | null {
    if (this.#awake || !this.#options.hasRules()) return null;
    const { state, wokenAtMs } = this.#options.state();
    if (state === 'awake' || state === 'waking') return null;
    for (const rule of rulesOf(this.#options.keys().noWake, facts(), client(), wokenAtMs)) {
      const answer = noWakeAnswer(rule, this.#options.files, kept);
      if (answer !== null) return answer;
    }
    return null;
  }

  /** What the site answered last, if it may be given again. Only directly after the head was parsed. */
  keptAnswer(bytes: Buffer, head: RequestHead, trusted: boolean, ageMsMax: number): OwnAnswer | null {
    return this.#options.answers.answer(bytes, head, trusted, ageMsMax);
  }

  /** A request is passed on: what its answer is to be kept by, if at all. Only directly after the head was parsed. */
  keeping(bytes: Buffer, head: RequestHead, trusted: boolean): Keeping | null {
    if (!this.#options.hasRules()) return null;
    const { keepsAnswers, noWake } = this.#options.keys();
    return keepsAnswers ? this.#options.answers.begin(bytes, head, trusted, noWake) : null;
  }

  /**
   * A request has been held for so long; what to do about it.
   * @returns an answer; or after how long, from its beginning, this is asked again: Infinity where the program has it
   */
  heldAnswer(client: Waiting, { navigation, host, heldMs }: { navigation: boolean; host: string; heldMs: number }): OwnAnswer | number {
    if (this.#awake) return Infinity;
    const keys = this.#options.keys();
    const pageMs = navigation ? keys.waitPageAfterMs : Infinity;
    const mostMs = waitMsMax(keys);
    const dueMs = Math.min(pageMs, mostMs);
    if (heldMs < dueMs) return dueMs;
    // A program that listens is slow by itself: asked again it would only have more to do. Of a relayed one it is not known before it is connected to.
    if (this.#options.state().state === 'awake' && !this.#connecting.has(client)) return this.#waiting.has(client) ? heldMs + askAgainMs : Infinity;
    // Who waits for a program to listen is told by that.
    if (pageMs > mostMs) return this.#connecting.has(client) ? Infinity : notReached;
    if (this.#unreached !== null) return this.#unreached;
    this.#pageUntilMs = this.#options.sweep.nowMs + mostMs;
    this.#connectAhead();
    return waitAnswer(keys, host, Math.max(heldMs, performance.now() - (this.#askedSinceMs ?? Infinity)), this.#options.files);
  }

  /**
   * A connection for one exchange. Null: `client.connected` or `client.fail` will be called.
   * @param fresh not one that was used before
   */
  acquire(client: Waiting, fresh: boolean): Upstream | null {
    this.#inFlight++;
    this.deadlineMs = Infinity;
    if (!this.#awake) {
      if (this.#held.size > 0 && this.#held.size >= this.#options.keys().pendingMax) {
        client.fail({ status: 503, message: 'Too many requests wait for this site already', code: 'ERR_WAKESOCK_LIMIT', retryAfterMs: 1_000 }, false);
        return null;
      }
      this.#held.add(client);
      this.#askedSinceMs ??= performance.now();
    }
    if (!this.#awake && this.#inFlight === 1) {
      this.#setLeaseAside();
      const address = this.#options.address();
      if (address !== null) this.#knock = new Knock(address);
    }
    this.#askedBy(client);
    return this.reconnect(client, fresh);
  }

  /** As {@link acquire}, for an exchange that has been counted. */
  reconnect(client: Waiting, fresh: boolean): Upstream | null {
    if (this.#lease !== null) return this.#connection(this.#lease, client, fresh);
    this.#waiting.add(client);
    void this.#ask();
    return null;
  }

  /** The site is in use: a lease is held, or asked for. Ended by {@link release}. */
  hold(client: Waiting): void {
    this.#inFlight++;
    this.deadlineMs = Infinity;
    this.#askedBy(client);
    if (this.#lease === null) void this.#ask();
  }

  /** Ends what {@link acquire} or {@link hold} began. */
  release(client: Waiting): void {
    this.#waiting.delete(client);
    this.#held.delete(client);
    this.#connecting.get(client)?.abort();
    this.#connecting.delete(client);
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    this.#endKnock();
    this.#restBegins();
  }

  /** A connection whose exchange is complete. */
  put(upstream: Upstream): void {
    if (this.#lease === null) upstream.socket.destroy();
    else this.#idle.put(upstream);
  }

  gone(upstream: Upstream): void {
    // Nothing was asked on it, so that it may be the program that is gone.
    if (this.#idle.remove(upstream)) this.#awake = false;
  }

  /** @param program which of them: what comes from one that is over tells nothing of now */
  answers(program: number): void {
    if (program !== this.#program) return;
    this.#awake = true;
    this.#held.clear();
    this.#unreached = null;
    this.#askedSinceMs = null;
  }

  explain(): Promise<OwnAnswer | null> {
    return this.#options.explain();
  }

  /** Nobody has asked for a while. */
  expire(): void {
    if (this.#wanted) {
      // Once more, when it is awake: who looks at the page is told within a second or three, and comes.
      const { state } = this.#state;
      if (state === 'awake' || state === 'failed') this.#pageUntilMs = 0;
      if (state !== 'failed') return this.#restBegins();
    }
    this.#idle.end();
    this.#lease?.release();
    this.#lease = null;
    this.#dropFormerLease();
    this.#options.sweep.remove(this);
    this.#options.onQuiet();
  }

  /** The unit of a relayed site is up before its program listens. */
  get #state(): StoredState {
    const stored = this.#options.state();
    return stored.state === 'awake' && this.#connecting.size > 0 ? { ...stored, state: 'waking' } : stored;
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
      cause: () => this.#cause ?? { at: '', client: '', method: '', host: '', path: '', agent: '' },
      connected: (upstream) => {
        this.put(upstream);
        done();
      },
      fail: (answer) => {
        this.#unreached = answer;
        done();
      },
    };
    this.#ahead = ahead;
    this.#inFlight++;
    this.reconnect(ahead, true);
  }

  #askedBy(client: Waiting): void {
    if (this.#lease === null && !this.#asking) this.#cause = client.cause();
  }

  #setLeaseAside(): void {
    this.#formerLease ??= this.#lease;
    this.#lease = null;
  }

  #endKnock(): void {
    this.#knock?.end();
    this.#knock = null;
  }

  #dropFormerLease(): void {
    this.#formerLease?.release();
    this.#formerLease = null;
  }

  #restBegins(): void {
    this.deadlineMs = this.#options.sweep.nowMs + Math.max(leaseHoldMs, upstreamIdleMsMax);
  }

  get #wanted(): boolean {
    return this.#inFlight > 0 || this.#options.sweep.nowMs < this.#pageUntilMs;
  }

  #connection(lease: Lease, client: Waiting, fresh: boolean): Upstream | null {
    return (fresh ? null : this.#idle.take()) ?? this.#fresh(lease, client);
  }

  #fresh(lease: Lease, client: Waiting): Upstream | null {
    if (this.#options.patienceMs === null) {
      const knock = this.#knock;
      this.#knock = null;
      return new Upstream(this, knock?.take(lease.address) ?? connectTo(lease.address), this.#program);
    }
    void this.#connectPatiently(lease, client, this.#options.patienceMs);
    return null;
  }

  /** Nothing of a request is sent before somebody listens: so it can wait, however often it is refused. */
  async #connectPatiently(lease: Lease, client: Waiting, patienceMs: number): Promise<void> {
    const abort = new AbortController();
    this.#connecting.set(client, abort);
    this.#patient ??= new PatientConnect(lease.address);
    try {
      const socket = await this.#patient.connect(abort.signal, patienceMs);
      if (abort.signal.aborted) {
        socket.destroy();
        return;
      }
      this.#connecting.delete(client);
      client.connected(new Upstream(this, socket, this.#program));
    } catch (error) {
      if (abort.signal.aborted) return;
      this.#connecting.delete(client);
      this.#options.onUnreachable?.(error as NodeJS.ErrnoException);
      client.fail({ status: 503, message: `Nobody answers for this site (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, code: 'ERR_WAKESOCK_START_TIMEOUT', retryAfterMs: 5_000 }, false);
    }
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    // Node connects when this turn is over. To ask takes half a millisecond, and ten in a process that asks for the first time.
    if (this.#knock !== null) await nextTurn();
    const sinceMs = performance.now();
    let retryMs = retryFirstMs;
    // Once in any case: a wake is somebody's, also if he is gone by now.
    do {
      try {
        this.#hold(await this.#options.lease(this.#cause));
        break;
      } catch (error) {
        const answer = refusalOf(error) ?? (performance.now() - sinceMs > waitMsMax(this.#options.keys()) ? notReached : null);
        if (answer !== null) {
          this.#refuse(answer);
          break;
        }
        // A dead activator is started again by its next caller; until then the request waits.
        await delay(retryMs);
        retryMs = Math.min(retryMs * 2, retryMaxMs);
      }
    } while (this.#wanted);
    this.#asking = false;
    this.#dropFormerLease();
  }

  #hold(lease: Lease): void {
    if (!this.#wanted) {
      lease.release();
      return;
    }
    this.#lease = lease;
    this.#patient = null;
    this.#awake = false;
    void lease.ended.then((how) => this.#lost(lease, how));
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const client of waiting) {
      const upstream = this.#connection(lease, client, !client.reuses);
      if (upstream !== null) client.connected(upstream);
    }
    this.#endKnock();
  }

  /**
   * The activator has ended: exchanges go on, the program's socket is not the activator's. Or the program has: then the exchanges
   * with it are over, whether they know it yet or not, and nothing is to be started for them.
   */
  #lost(lease: Lease, how: LeaseEnd): void {
    if (this.#lease !== lease) return;
    this.#lease = null;
    if (how === 'revoked') {
      this.#program++;
      this.#unreached = null;
    }
    if (how === 'revoked' || !this.#wanted) this.#awake = false;
    this.#patient = null;
    this.#idle.end();
    // What they wait for may have to be started anew, and be elsewhere then.
    for (const [client, abort] of this.#connecting) {
      abort.abort();
      this.#waiting.add(client);
    }
    this.#connecting.clear();
    if (how === 'lost' ? this.#wanted : this.#waiting.size > 0) void this.#ask();
  }

  #refuse(answer: OwnAnswer): void {
    this.#endKnock();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const client of waiting) client.fail(answer, false);
  }
}

const notReached: OwnAnswer = { status: 503, message: 'This site could not be reached in time', code: 'ERR_WAKESOCK_START_TIMEOUT', retryAfterMs: 5_000 };

/** A site that is just being stopped has to end before it can start. */
function waitMsMax({ startTimeoutMs, stopTimeoutMs }: FrontKeys): number {
  return startTimeoutMs + stopTimeoutMs;
}

/** What waiting would not help. Null: ask again. */
function refusalOf(error: unknown): OwnAnswer | null {
  if (error instanceof BackoffError) return { status: 502, message: 'This site failed a moment ago', code: error.code, retryAfterMs: error.retryAfterMs };
  if (error instanceof WakesockError && (error.code === 'ERR_WAKESOCK_NOT_RUNNING' || error.code === 'ERR_WAKESOCK_CONTROL')) return null;
  if (error instanceof WakesockError) return { status: 502, message: 'This site cannot be woken', code: error.code };
  throw error;
}
