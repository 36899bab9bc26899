/** When the activator ends, and with which status. */
import { readableNow } from '../linux/fd.ts';
import type { Runner } from './runner.ts';

/**
 * Start me again: RestartForceExitStatus= of wakesock.service. systemd keeps the fd store across it, and a socket unit
 * can be started in between. An exit with 0 while a client waits would be counted against the socket unit.
 */
export const EXIT_AGAIN = 75;
/** Below TimeoutStopSec= of wakesock.service. */
const SETTLE_MS_MAX = 2_000;
/** As long as systemd waits for a service by default (DefaultTimeoutStopSec=): a site's TimeoutStopSec= may be infinity. */
const HELD_MS_MAX = 90_000;
/** systemd's own clock begins before ours. */
const EXTENDED_MS = HELD_MS_MAX + 5_000;
/** That the last client on a second socket has been accepted is announced by nobody. */
const HELD_LOOK_MS = 100;

/** What {@link ExitPolicy.endSettled} needs of systemd. */
export interface Successor {
  /** Clients of these sites are held for longer than a stop of ours may take: it must not be cut off for so long. */
  extend(sites: readonly string[], forMs: number): void;
  /** Whether systemd starts the next activator as soon as we have ended. */
  comes(): Promise<boolean>;
}

export class ExitPolicy {
  readonly decided: Promise<number>;
  readonly #idleMs: number;
  readonly #everyFd: readonly number[];
  readonly #runners: () => readonly Runner[];
  #decide: (status: number) => void = () => {};
  #timer: NodeJS.Timeout | null = null;
  /** When that is due. */
  #dueMs = 0;
  /** Told to end, with this status. */
  #told: number | null = null;
  /** The time to settle is over, and nobody comes after us: waited for is only who holds clients. */
  #onlyHolds = false;
  /** Somebody is at the control socket, or waits there. */
  #controlBusy: () => boolean = () => false;

  /** @param everyFd all inherited sockets */
  constructor(idleMs: number, everyFd: readonly number[], runners: () => readonly Runner[]) {
    this.#idleMs = idleMs;
    this.#everyFd = everyFd;
    this.#runners = runners;
    this.decided = new Promise((resolve) => {
      this.#decide = resolve;
    });
  }

  set controlBusy(busy: () => boolean) {
    this.#controlBusy = busy;
  }

  /** Something has changed: begins or ends the countdown. */
  reconsider(): void {
    if (this.#told !== null) {
      if (!this.#runners().some((runner) => runner.holds || (!this.#onlyHolds && runner.busy))) this.end(this.#told);
      return;
    }
    if (!this.#nothingToDo) {
      this.#stopCountdown();
      return;
    }
    if (!Number.isFinite(this.#idleMs)) return;
    const forMs = this.#backoffLeftMs + this.#idleMs;
    const dueMs = performance.now() + forMs;
    if (this.#timer && dueMs >= this.#dueMs) return;
    // The back-off that it has begun with was ended.
    this.#stopCountdown();
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      // Whoever is there by now says when he is done.
      if (!this.#nothingToDo) return;
      // Who waits on a second socket is known to systemd only as something that it stores, until we end well.
      const somebodyWaits = readableNow(this.#everyFd).length > 0 || this.#runners().some(({ holds }) => holds);
      this.end(somebodyWaits ? EXIT_AGAIN : 0);
    }, forMs);
  }

  /**
   * Ends with this status as soon as no site is between two states, or after a while all the same. What is awake stays awake,
   * and what is cut off is begun again by the next activator; the clients wait in the backlog. But who is held for the end of
   * a program is in no queue that systemd could see: a hold is left to a successor, or waited for.
   */
  endSettled(status: number, successor: Successor): void {
    this.#told = status;
    setTimeout(() => void this.#overdue(status, successor), SETTLE_MS_MAX);
    this.reconsider();
  }

  async #overdue(status: number, successor: Successor): Promise<void> {
    const holding = this.#runners().filter(({ holds }) => holds).map(({ name }) => name);
    if (holding.length === 0) return this.end(status);
    // Before it is asked: the answer may take longer than a stop may.
    successor.extend(holding, EXTENDED_MS);
    if (await successor.comes()) return this.end(status);
    this.#onlyHolds = true;
    setTimeout(() => this.end(status), HELD_MS_MAX);
    setInterval(() => this.reconsider(), HELD_LOOK_MS);
    this.reconsider();
  }

  end(status: number): void {
    this.#stopCountdown();
    this.#decide(status);
  }

  #stopCountdown(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  get #nothingToDo(): boolean {
    return this.#runners().every((runner) => runner.quiet || runner.backoffLeftMs > 0) && !this.#controlBusy();
  }

  /** A back-off is remembered only as long as we are there. */
  get #backoffLeftMs(): number {
    return Math.max(0, ...this.#runners().map((runner) => runner.backoffLeftMs));
  }
}
