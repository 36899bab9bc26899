/** Connections to a site's program on which nothing is asked just now. The last in is the first out, so that those which are not needed any more are found at the bottom. */
import { upstreamIdleMax, upstreamIdleMsMax } from '../base/limits.ts';
import type { Upstream } from './upstream.ts';

/** What is kept of one here. */
export type IdleUpstream = Pick<Upstream, 'usable' | 'reused' | 'idleSinceMs'> & { readonly socket: Pick<Upstream['socket'], 'resume' | 'destroy'> };

export class IdleUpstreams<T extends IdleUpstream = Upstream> {
  readonly #all: T[] = [];
  readonly #clock: { readonly nowMs: number };

  constructor(clock: { readonly nowMs: number }) {
    this.#clock = clock;
  }

  /** Its exchange is complete. One that cannot be used again, or is too many, is closed. */
  put(upstream: T): void {
    if (!upstream.usable || this.#all.length >= upstreamIdleMax) {
      upstream.socket.destroy();
      return;
    }
    upstream.reused = true;
    upstream.idleSinceMs = this.#clock.nowMs;
    upstream.socket.resume();
    this.#all.push(upstream);
    const oldest = this.#all[0] as T;
    if (oldest.idleSinceMs < this.#oldestMs) this.#all.shift()?.socket.destroy();
  }

  /** Null: a fresh one is needed. */
  take(): T | null {
    for (let upstream = this.#all.pop(); upstream !== undefined; upstream = this.#all.pop()) {
      if (upstream.usable && upstream.idleSinceMs >= this.#oldestMs) return upstream;
      upstream.socket.destroy();
    }
    return null;
  }

  /** It has ended. False: it was not here. */
  remove(upstream: T): boolean {
    const index = this.#all.indexOf(upstream);
    if (index === -1) return false;
    this.#all.splice(index, 1);
    return true;
  }

  end(): void {
    for (const upstream of this.#all.splice(0)) upstream.socket.destroy();
  }

  get #oldestMs(): number {
    return this.#clock.nowMs - upstreamIdleMsMax;
  }
}
