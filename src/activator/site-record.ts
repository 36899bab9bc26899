/** What is told of a site: how its last wake went, by phase, and in which state it is since when. Kept in history.ts. */
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Paths } from '../base/paths.ts';
import { wokenAtMax } from '../base/limits.ts';
import type { LeaseAsked } from '../control/backend.ts';
import type { SiteHistory, StatusError, WakeCause, WakePhases } from '../control/types.ts';
import type { State } from '../lifecycle/lifecycle.ts';
import { readHistory, writeHistory } from './history.ts';

const noPhases: WakePhases = { process: null, scope: null, go: null, listen: null, total: null };

export interface RecordParts {
  readonly paths: Paths;
  readonly log: Log;
  readonly now: () => number;
}

export class SiteRecord {
  readonly #name: string;
  readonly #parts: RecordParts;
  #history: SiteHistory;
  #phases: WakePhases = noPhases;
  /** Null: no wake that this activator has begun is under way. */
  #wakeStartedMs: number | null = null;
  /** The last lease, until a wake begins. */
  #asked: LeaseAsked | null = null;

  constructor(name: string, parts: RecordParts) {
    this.#name = name;
    this.#parts = parts;
    this.#history = readHistory(parts.paths, name);
  }

  get history(): SiteHistory {
    return this.#history;
  }

  /** Whom it is for is known where the last lease asked for it. */
  wakeBegins(by: string): void {
    const at = new Date().toISOString();
    const cause = this.#asked?.by === by ? this.#asked.cause : null;
    this.#asked = null;
    this.#wakeStartedMs = this.#parts.now();
    this.#phases = noPhases;
    this.#history = {
      ...this.#history, wakes: this.#history.wakes + 1, lastWake: { at, by, ...(cause === null ? {} : { cause }), phasesMs: noPhases },
      wokenAt: [...(this.#history.wokenAt ?? []), at].slice(-wokenAtMax),
    };
    this.#logCause(by, cause);
  }

  /**
   * A lease is asked for, and with it a wake if that is needed. Who came with a connection, which began this wake, tells a moment later who it is: of an activator that had to be started for it, when a quick program is awake already.
   * A wake that began before the request came is somebody else's.
   */
  leaseAsked(asked: LeaseAsked, waking: boolean): void {
    this.#asked = asked;
    const { by, cause } = asked;
    const { lastWake } = this.#history;
    if (lastWake?.by !== 'connection' || (!waking && (cause === null || !(Date.parse(lastWake.at) >= Date.parse(cause.at))))) return;
    this.#history = { ...this.#history, lastWake: { ...lastWake, by, ...(cause === null ? {} : { cause }) } };
    this.#logCause(by, cause);
    if (!waking) this.#write();
  }

  #logCause(by: string, cause: WakeCause | null): void {
    if (cause !== null) this.#parts.log.info(`${this.#name} is woken for ${cause.client}`, { site: this.#name, by, ...cause });
  }

  /** The first time counts: crun hands over the notify descriptor before it says that the program was started. */
  phase(name: 'process' | 'scope' | 'go' | 'listen'): void {
    if (this.#wakeStartedMs !== null && this.#phases[name] === null) this.#phases = { ...this.#phases, [name]: this.#sinceStart() };
  }

  /** @param announced by the program's `listen`; one that was handed its socket need not say so */
  wakeEnds(announced: boolean): void {
    const total = this.#sinceStart();
    this.#wakeEnded({ listen: announced ? this.#phases.listen ?? total : null, total });
  }

  /** What was reached, and when it ended. Of a wake that an earlier activator began nothing is known. */
  #wakeEnded(last: Partial<WakePhases>): void {
    if (this.#wakeStartedMs === null) return;
    this.#phases = { ...this.#phases, ...last };
    this.#wakeStartedMs = null;
    if (this.#history.lastWake) this.#history = { ...this.#history, lastWake: { ...this.#history.lastWake, phasesMs: this.#phases } };
  }

  /** @param count processes that the kernel killed for want of memory */
  oomKilled(count: number): void {
    this.#history = { ...this.#history, oomKills: { count: (this.#history.oomKills?.count ?? 0) + count, lastAt: new Date().toISOString() } };
    this.#parts.log.warn(`${this.#name}: the kernel killed ${count === 1 ? 'a process' : `${count} processes`} of it for want of memory`, { site: this.#name });
    this.#write();
  }

  stateChanged(before: State['name'], state: State): void {
    const { log } = this.#parts;
    if (before === 'waking' && state.name !== 'awake') this.#wakeEnded({ failed: this.#sinceStart() });
    const error: StatusError | null = state.name === 'failed' ? { ...state.error, ...this.#retry(state.untilMs) } : null;
    this.#history = { ...this.#history, state: state.name, since: new Date().toISOString(), error };
    if (error) log.error(`${this.#name} failed: ${error.message}`, { site: this.#name, code: error.code });
    else log.info(`${this.#name}: ${before} → ${state.name}`, { site: this.#name, state: state.name, ...(state.name === 'awake' ? { ms: this.#history.lastWake?.phasesMs.total ?? null } : {}) });
    if (state.name !== 'waking') this.#write();
  }

  /** What failed before counts no more, also for who reads the disk. It may have failed under an earlier activator. */
  resetFailed(): void {
    if (this.#history.state !== 'failed') return;
    this.#history = { ...this.#history, state: 'dormant', since: new Date().toISOString(), error: null };
    this.#writeNow();
  }

  /** Not in the way of the client that waits. */
  #write(): void {
    setImmediate(() => this.#writeNow());
  }

  #writeNow(): void {
    const { log, paths } = this.#parts;
    try {
      writeHistory(paths, this.#name, this.#history);
    } catch (problem) {
      log.warn('The wake history could not be written', { site: this.#name, message: describeError(problem).message });
    }
  }

  #retry(untilMs: number): { retryAt: string } {
    return { retryAt: new Date(Date.now() + untilMs - this.#parts.now()).toISOString() };
  }

  #sinceStart(): number {
    return Math.round((this.#parts.now() - (this.#wakeStartedMs ?? 0)) * 100) / 100;
  }
}
