import { setTimeout as delay } from 'node:timers/promises';
import { WakesockError } from '../base/errors.ts';
import { BackoffError } from '../control/backend.ts';
import type { Lease, LeaseEnd } from '../control/client.ts';
import type { WakeCause } from '../control/types.ts';
import type { OwnAnswer } from './answer.ts';

export interface SiteLeaseOptions {
  readonly lease: (cause: WakeCause | null) => Promise<Lease>;
  /** Somebody has use for it: it is asked for again and again, and held. */
  readonly wanted: () => boolean;
  /** For how long the activator may be away. */
  readonly waitMsMax: () => number;
  /** Something else goes first. Null: nothing does. */
  readonly before: () => Promise<void> | null;
  readonly onHeld: (lease: Lease) => void;
  /** It cannot be had, and waiting would not help. */
  readonly onRefused: (answer: OwnAnswer) => void;
  /** The activator was away for all of that time, or cannot be asked at all: for the log. */
  readonly onNotReached: (error: unknown) => void;
  /** It is over without having been released. */
  readonly onLost: (how: LeaseEnd) => void;
}

const retryFirstMs = 50;
const retryMaxMs = 1_000;

export const notReached: OwnAnswer = { status: 503, message: 'This site could not be reached in time', code: 'ERR_WAKESOCK_START_TIMEOUT', retryAfterMs: 5_000 };

/** A site's lease: asked for, also of an activator that is away just now, held, and asked for again. */
export class SiteLease {
  readonly #options: SiteLeaseOptions;
  #held: Lease | null = null;
  /** Held until another is had: the site may have gone to sleep under it, and who wakes it now is to be told. */
  #former: Lease | null = null;
  #asking = false;
  /** Whom it is asked for. */
  #cause: WakeCause | null = null;

  constructor(options: SiteLeaseOptions) {
    this.#options = options;
  }

  /** Null: {@link ask} first. */
  get held(): Lease | null {
    return this.#held;
  }

  /** Whom it was asked for last. */
  get cause(): WakeCause | null {
    return this.#cause;
  }

  /** One comes for whom it would be asked, if it is: the first, where nobody has asked yet. */
  askedBy(who: { cause(): WakeCause }): void {
    if (this.#held === null && !this.#asking) this.#cause = who.cause();
  }

  /** Another is to be asked for. */
  setAside(): void {
    this.#former ??= this.#held;
    this.#held = null;
  }

  async ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const first = this.#options.before();
    if (first !== null) await first;
    const sinceMs = performance.now();
    let retryMs = retryFirstMs;
    // Once in any case: a wake is somebody's, also if he is gone by now.
    do {
      try {
        this.#hold(await this.#options.lease(this.#cause));
        break;
      } catch (error) {
        const answer = refusalOf(error) ?? (performance.now() - sinceMs > this.#options.waitMsMax() ? notReached : null);
        if (answer === notReached) this.#options.onNotReached(error);
        if (answer !== null) {
          this.#options.onRefused(answer);
          break;
        }
        // A dead activator is started again by its next caller; until then the request waits.
        await delay(retryMs);
        retryMs = Math.min(retryMs * 2, retryMaxMs);
      }
    } while (this.#options.wanted());
    this.#asking = false;
    this.#dropFormer();
  }

  #hold(lease: Lease): void {
    if (!this.#options.wanted()) {
      lease.release();
      return;
    }
    this.#held = lease;
    void lease.ended.then((how) => {
      if (this.#held !== lease) return;
      this.#held = null;
      this.#options.onLost(how);
    });
    this.#options.onHeld(lease);
  }

  release(): void {
    this.#held?.release();
    this.#held = null;
    this.#dropFormer();
  }

  #dropFormer(): void {
    this.#former?.release();
    this.#former = null;
  }
}

/** What waiting would not help. Null: ask again. */
function refusalOf(error: unknown): OwnAnswer | null {
  if (error instanceof BackoffError) return { status: 502, message: 'This site failed a moment ago', code: error.code, retryAfterMs: error.retryAfterMs };
  if (error instanceof WakesockError && (error.code === 'ERR_WAKESOCK_NOT_RUNNING' || error.code === 'ERR_WAKESOCK_CONTROL')) return null;
  if (error instanceof WakesockError) return { status: 502, message: 'This site cannot be woken', code: error.code };
  throw error;
}
