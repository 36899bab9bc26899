import type { StoredState } from '../control/stored-state.ts';
import type { FrontKeys } from '../site/front-keys.ts';
import type { OwnAnswer } from './answer.ts';
import type { FrontFiles } from './front-files.ts';
import { notReached } from './site-lease.ts';
import { waitAnswer } from './sleeping.ts';
import type { Sweep } from './sweep.ts';
import type { Waiting } from './waiting.ts';

export interface HeldRequestsOptions {
  readonly sweep: Sweep;
  readonly files: FrontFiles;
  /** What the site's file says, at this moment. */
  readonly keys: () => FrontKeys;
  /** What is known of the site without asking anybody. */
  readonly state: () => StoredState;
}

/** What a request that is held waits for: a lease, the program to listen, or its answer. */
export type WaitsFor = 'lease' | 'listen' | 'answer';

/** Whoever waits for a lease is looked at again. */
const askAgainMs = 250;

/** A site that is just being stopped has to end before it can start. */
export function waitMsMax({ startTimeoutMs, stopTimeoutMs }: FrontKeys): number {
  return startTimeoutMs + stopTimeoutMs;
}

/**
 * The requests that came while their site was not known to be awake: how many there may be, for how long, and what they are shown meanwhile. What else is in flight,
 * tunnels and long answers, waits for nothing.
 */
export class HeldRequests {
  readonly #options: HeldRequestsOptions;
  readonly #all = new Set<Waiting>();
  /** Since when the site is asked for without having answered; of a page that is shown again. */
  #sinceMs: number | null = null;
  /** Until then the site is woken also for those who look at a waiting page, and have no request in flight. */
  #pageUntilMs = 0;
  /** Somebody waited in their place, and in vain. */
  unreached: OwnAnswer | null = null;

  constructor(options: HeldRequestsOptions) {
    this.#options = options;
  }

  /** @returns false: as many as may be are held already */
  enter(client: Waiting): boolean {
    if (this.#all.size > 0 && this.#all.size >= this.#options.keys().pendingMax) return false;
    this.#all.add(client);
    this.#sinceMs ??= performance.now();
    return true;
  }

  leave(client: Waiting): void {
    this.#all.delete(client);
  }

  /** The program has answered: nobody is held any more. */
  siteAnswers(): void {
    this.#all.clear();
    this.unreached = null;
    this.#sinceMs = null;
  }

  /**
   * What to do about one that has been held for so long.
   * @returns an answer; after how long, from its beginning, this is asked again: Infinity where the program has it; `page`: {@link page}
   */
  answer(waitsFor: WaitsFor, navigation: boolean, heldMs: number): OwnAnswer | number | 'page' {
    const keys = this.#options.keys();
    const pageMs = navigation ? keys.waitPageAfterMs : Infinity;
    const mostMs = waitMsMax(keys);
    const dueMs = Math.min(pageMs, mostMs);
    if (heldMs < dueMs) return dueMs;
    // A program that listens is slow by itself: asked again it would only have more to do. Of a relayed one it is not known before it is connected to.
    if (waitsFor !== 'listen' && this.#options.state().state === 'awake') return waitsFor === 'lease' ? heldMs + askAgainMs : Infinity;
    // Who waits for a program to listen is told by that.
    if (pageMs > mostMs) return waitsFor === 'listen' ? Infinity : notReached;
    return this.unreached ?? 'page';
  }

  /** The waiting page. The site is wanted for whoever looks at it. */
  page(host: string, heldMs: number): OwnAnswer {
    const keys = this.#options.keys();
    this.#pageUntilMs = this.#options.sweep.nowMs + waitMsMax(keys);
    return waitAnswer(keys, host, Math.max(heldMs, performance.now() - (this.#sinceMs ?? Infinity)), this.#options.files);
  }

  /** Somebody looks at a page. */
  get watched(): boolean {
    return this.#options.sweep.nowMs < this.#pageUntilMs;
  }

  /** Who looks at the page is told within a second or three, and comes. */
  endPages(): void {
    this.#pageUntilMs = 0;
  }
}
