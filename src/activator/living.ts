/**
 * How a site's life goes on: what happens, and what others ask for, goes to the pure reducer, one event after another, and its effects to who carries
 * them out. Who waits for the site to be awake, or asleep, is answered here. The same for whatever runs the site.
 */
import { WakesockError, describeError } from '../base/errors.ts';
import { BackoffError } from '../control/backend.ts';
import { born, next, type Effect, type Event, type Life, type SiteError, type State } from '../lifecycle/lifecycle.ts';
import type { RunnerParts } from './parts.ts';
import type { SiteRecord } from './site-record.ts';
import { Waiters } from './waiters.ts';

/** Sockets that could not be watched are tried again after this: descriptors come back when a site stops. */
const REARM_MS = 1_000;

/** What the site's runner does; who waits is answered by its life. */
export type RunnerEffect = Exclude<Effect, { readonly type: 'settle' }>;

export interface LivingParts extends Pick<RunnerParts, 'now' | 'log' | 'changed'> {
  readonly name: string;
  readonly record: Pick<SiteRecord, 'stateChanged' | 'resetFailed'>;
  readonly carryOut: (effect: RunnerEffect) => void;
}

export class Living {
  #life: Life = born;
  #retired = false;
  readonly #events: Event[] = [];
  readonly #waiters = new Waiters();
  /** They ask for nothing: no reason to stay. */
  #onlookers: (() => void)[] = [];
  readonly #parts: LivingParts;

  constructor(parts: LivingParts) {
    this.#parts = parts;
  }

  get state(): State {
    return this.#life.state;
  }

  /** Awake, and not being stopped. */
  get attended(): boolean {
    const { state } = this;
    return state.name === 'awake' && !state.stopping;
  }

  /** A stop is tried that can still be undone. */
  get unsettled(): boolean {
    const { state } = this;
    return state.name === 'awake' && state.stopping;
  }

  /** Nothing to do, nobody to answer, nothing to wait for: not even the end of a back-off. */
  get quiet(): boolean {
    const { state } = this;
    return this.#waiters.none && (state.name === 'dormant' || (state.name === 'failed' && this.backoffLeftMs === 0));
  }

  /** Milliseconds until a failed site may be tried again; 0 where it may. */
  get backoffLeftMs(): number {
    const { state } = this;
    return state.name === 'failed' ? Math.max(0, state.untilMs - this.#parts.now()) : 0;
  }

  /** The activator ends: nothing is begun any more. */
  get retired(): boolean {
    return this.#retired;
  }

  retire(): void {
    this.#retired = true;
    this.#sendAway();
  }

  /** Resolves when the site is awake; @throws WakesockError why it is not */
  wake(by: string, atOnce: boolean): Promise<void> {
    const awake = this.#waiters.untilAwake();
    this.dispatch({ type: 'wake', by, atOnce });
    return awake;
  }

  /** Resolves when the wake that is under way, or is about to be, has ended, well or not; at once where it is awake. */
  nextWake(): Promise<void> {
    if (this.#retired || this.state.name === 'awake') return Promise.resolve();
    return new Promise((resolve) => void this.#onlookers.push(resolve));
  }

  /** Resolves when the site is dormant. @throws WakesockError ERR_WAKESOCK_BUSY */
  sleep(force: boolean): Promise<void> {
    const asleep = this.#waiters.untilAsleep(force);
    this.dispatch({ type: 'sleep', force });
    return asleep;
  }

  resetFailed(): void {
    this.#parts.record.resetFailed();
    this.dispatch({ type: 'resetFailed' });
  }

  /** Somebody waits for it to be asleep. */
  get sleepAsked(): boolean {
    return this.#waiters.sleep !== null;
  }

  /** Who asked for sleep while it was waking is heard now. */
  repeatSleep(): void {
    const { sleep } = this.#waiters;
    if (sleep) this.dispatch({ type: 'sleep', ...sleep });
  }

  /** A stop was tried and not begun. @param force what was tried */
  notStopped(error: WakesockError, force: boolean): void {
    this.#waiters.notAsleep(error, force);
    this.dispatch({ type: 'inUse' });
  }

  /** Effects may report events in turn: those wait until this one is done with. */
  dispatch(event: Event): void {
    if (this.#retired) return this.#sendAway();
    this.#events.push(event);
    if (this.#events.length > 1) return;
    const { now, record, changed } = this.#parts;
    for (let current = this.#events[0]; current !== undefined; this.#events.shift(), current = this.#events[0]) {
      const before = this.#life.state.name;
      const step = next(this.#life, current, now());
      this.#life = step.life;
      for (const effect of step.effects) this.#carryOut(effect);
      if (before !== this.#life.state.name) record.stateChanged(before, this.#life.state);
    }
    changed();
  }

  /** No descriptors left, a path taken away: the site goes on as well as it can, and the others are not touched. */
  #carryOut(effect: Effect): void {
    if (effect.type === 'settle') return this.#settle(effect.error);
    const { name, log, carryOut } = this.#parts;
    try {
      carryOut(effect);
    } catch (error) {
      log.error(`${name}: ${effect.type} failed`, { site: name, ...describeError(error) });
      // What was to be looked after is ended rather than forgotten.
      if (effect.type === 'launch' || effect.type === 'attend') this.dispatch({ type: 'launchFailed', error: describeError(error) });
      if (effect.type === 'arm') setTimeout(() => this.#rearm(), REARM_MS);
    }
  }

  #rearm(): void {
    const { name } = this.state;
    if (!this.#retired && (name === 'dormant' || name === 'failed')) this.#carryOut({ type: 'arm' });
  }

  #settle(error: SiteError | null): void {
    this.#tellOnlookers();
    const awake = this.state.name === 'awake';
    if (error) this.#waiters.notAwake(this.#wakeError(error));
    else if (awake) this.#waiters.awake();
    // A site that failed sleeps too.
    if (!awake) this.#waiters.asleep();
  }

  #wakeError({ code, message }: SiteError): WakesockError {
    return code === 'ERR_WAKESOCK_BACKOFF' ? new BackoffError(message, this.backoffLeftMs) : new WakesockError(code, message);
  }

  #tellOnlookers(): void {
    for (const tell of this.#onlookers.splice(0)) tell();
  }

  #sendAway(): void {
    this.#tellOnlookers();
    this.#waiters.sendAway(new WakesockError('ERR_WAKESOCK_NOT_RUNNING', 'The activator ends'));
  }
}
