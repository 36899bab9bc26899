/** Something that may have to end when it takes too long. */
export interface Expiring {
  /** In milliseconds of {@link Sweep.nowMs}; Infinity: never. */
  deadlineMs: number;
  expire(): void;
}

const sweepMs = 500;

/**
 * Deadlines of many thousand connections with one timer: setting one is a store, and each is up to half a second late. The
 * timer runs only while there is something to end.
 */
export class Sweep {
  nowMs = performance.now();
  readonly #all = new Set<Expiring>();
  #timer: NodeJS.Timeout | null = null;

  get size(): number {
    return this.#all.size;
  }

  add(expiring: Expiring): void {
    if (this.#timer === null) {
      this.nowMs = performance.now();
      this.#timer = setInterval(() => this.pass(performance.now()), sweepMs);
      this.#timer.unref();
    }
    this.#all.add(expiring);
  }

  remove(expiring: Expiring): void {
    this.#all.delete(expiring);
    if (this.#all.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Ends what should have ended by then. */
  pass(nowMs: number): void {
    this.nowMs = nowMs;
    for (const each of this.#all) if (each.deadlineMs <= this.nowMs) each.expire();
  }
}
