/** How long ago an awake site was used, and when to look again (design section 4, Idle). Decides nothing: it asks for sleep. */
import type { LocalAddress } from '../linux/sock-diag.ts';
import { hasAccepted, isNobody, type Activity } from './activity.ts';
import type { CameAndWent } from './came-and-went.ts';

/** A quarter of the idle time, so that a stop is late by no more; not below what a busy site should cost us. */
const QUANTUM_MS_MIN = 50;
/** Looks are never closer together than this. */
const LOOK_MS_MIN = 20;
/** Who was served within this is not cut off by somebody who asks for sleep. */
const JUST_SERVED_MS = 1_000;
/** Nor than this, once one has failed. */
const FAILED_MS_MIN = 1_000;
/** A timer cannot be longer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface IdlenessParts {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly cameAndWent: CameAndWent;
  /** IdleSec= in milliseconds; Infinity: never idle. */
  readonly idleMs: () => number;
  /** The same, or less where the program serves nobody who could lose anything by its end. */
  readonly presentIdleMs: () => number;
  readonly look: () => Activity;
  /** Whether the site is awake and not being stopped. */
  readonly attended: () => boolean;
  /** The site was used, or is in use. */
  readonly used: () => void;
  /** The site has been idle for its time. */
  readonly idle: () => void;
  /** It could not be looked at: it counts as used. */
  readonly failed: (error: unknown) => void;
}

export class Idleness {
  readonly #parts: IdlenessParts;
  #lastActiveMs = 0;
  #leases = 0;
  #served = false;
  #timer: NodeJS.Timeout | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(parts: IdlenessParts) {
    this.#parts = parts;
  }

  get leased(): boolean {
    return this.#leases > 0;
  }

  /** By the clock of the parts; in the future while nobody would hear of a use. */
  get lastActiveMs(): number {
    return this.#lastActiveMs;
  }

  /** Somebody has been accepted by the present program. */
  get served(): boolean {
    return this.#served;
  }

  /** The present program has clients at this moment. */
  get serves(): boolean {
    return hasAccepted(this.#parts.look());
  }

  /** Another program, which has served nobody. @param lastActiveMs what is known of an earlier use */
  begins(lastActiveMs = this.#parts.now()): void {
    this.#served = false;
    this.#lastActiveMs = lastActiveMs;
  }

  touch(): void {
    this.#lastActiveMs = Math.max(this.#lastActiveMs, this.#parts.now());
  }

  /** The site counts as used until the returned function is called. */
  lease(): () => void {
    this.#leases += 1;
    return () => {
      this.#leases -= 1;
      this.touch();
      if (this.#leases === 0 && this.#parts.attended()) this.#schedule();
    };
  }

  /** Looks from now on, and listens for connections to `addresses` that come and go between two looks. */
  attend(addresses: readonly LocalAddress[]): void {
    const quantumMs = this.#quantumMs;
    this.#unsubscribe ??= this.#parts.cameAndWent.subscribe(addresses, quantumMs, () => {
      // Whoever comes and goes until it hears again is not heard: IdleSec= is a minimum, so that time counts as use.
      this.#lastActiveMs = this.#parts.now() + quantumMs;
      this.#served = true;
      this.#parts.used();
    });
    this.#schedule();
  }

  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  /** Something has happened that may make the site idle at once. */
  lookSoon(afterMs = 0): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        this.#look();
      } catch (error) {
        // Once more after a while: one site must not end the activator of all.
        this.#parts.failed(error);
        this.lookSoon(Math.max(FAILED_MS_MIN, this.#quantumMs));
      }
    }, Math.min(afterMs, TIMER_MS_MAX));
  }

  /** A stop was tried and somebody was there: it is tried again soon, not at once. */
  wasInUse(): void {
    const idleMs = this.#parts.idleMs();
    this.#lastActiveMs = Math.max(this.#lastActiveMs, this.#parts.now() - (Number.isFinite(idleMs) ? idleMs : 0) + LOOK_MS_MIN);
  }

  isQuiet(activity: Activity): boolean {
    const idleMs = this.#parts.presentIdleMs();
    return !this.leased && isNobody(activity, idleMs) && this.#parts.now() - this.#lastActiveMs >= idleMs;
  }

  /** For somebody who asked: idle for any time is idle, but for who was just served. */
  isNobodyNow(activity: Activity): boolean {
    return !this.leased && isNobody(activity, JUST_SERVED_MS);
  }

  get #quantumMs(): number {
    return Math.max(QUANTUM_MS_MIN, this.#parts.idleMs() / 4);
  }

  /** @param heldUp its time was over, and somebody waited or was not read: nothing tells when that ends */
  #schedule(heldUp = false): void {
    const idleMs = this.#parts.presentIdleMs();
    if (!Number.isFinite(idleMs) || this.leased) return;
    const leftMs = this.#lastActiveMs + idleMs - this.#parts.now();
    this.lookSoon(Math.max(LOOK_MS_MIN, leftMs <= 0 && heldUp ? Math.min(this.#quantumMs, idleMs) : leftMs));
  }

  #look(): void {
    this.#timer = null;
    if (!this.#parts.attended()) return;
    const activity = this.#parts.look();
    this.#served ||= hasAccepted(activity);
    if (activity.established > 0) this.#lastActiveMs = Math.max(this.#lastActiveMs, this.#parts.now() - activity.quietMs);
    if (this.isQuiet(activity)) return this.#parts.idle();
    this.#parts.used();
    this.#schedule(true);
  }
}
