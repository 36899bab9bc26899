/**
 * Sites of which nothing was left by an earlier activator and that nobody has asked for: a name, and descriptors on which a client is waited for. Whatever
 * else there is to know of them is looked at when somebody comes, since with thousands of them it would take longer than the wake that we are started for.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { WakesockError } from '../base/errors.ts';
import { EPOLLIN, EPOLLONESHOT } from '../linux/epoll.ts';
import type { Poller, Watch } from '../sockets/poller.ts';
import { isSound } from '../sockets/sound.ts';
import type { SiteRunner } from './site-runner.ts';

/**
 * A fraction of a millisecond, and then a pause: without one, whoever wants a processor for the wake that goes on meanwhile has to wait until the scheduler
 * takes ours away, milliseconds each time.
 */
const sitesPerTurn = 64;
const pauseMs = 1;
/** A site that could not be begun is tried again for its next client after this: what was lacking, as descriptors, may be there again. */
const againMs = 1_000;

export interface SleepingParts {
  readonly poller: Pick<Poller, 'watch'>;
  /** Makes the site's runner, which waits for clients from then on. Undefined: no socket of it can be used. */
  readonly begin: (site: string) => SiteRunner | undefined;
  readonly failed: (site: string, error: unknown) => void;
}

export class SleepingSites {
  readonly #parts: SleepingParts;
  readonly #fds: Map<string, readonly number[]>;
  readonly #watches = new Map<string, readonly Watch[]>();
  #closed = false;

  /**
   * @param sites all, with the descriptors of each
   * @param left those of them that do not sleep here
   */
  constructor(sites: ReadonlyMap<string, readonly number[]>, left: Iterable<string>, parts: SleepingParts) {
    this.#parts = parts;
    this.#fds = new Map(sites);
    for (const name of left) this.#fds.delete(name);
  }

  /** With the descriptors of each. */
  get all(): readonly (readonly [name: string, fds: readonly number[]])[] {
    return [...this.#fds];
  }

  /** Undefined: it does not sleep here. */
  fds(name: string): readonly number[] | undefined {
    return this.#fds.get(name);
  }

  /**
   * Somebody asks for the site: it sleeps here no more. Undefined: there is no such site here, or it cannot be served.
   *
   * @throws WakesockError ERR_WAKESOCK_NOT_RUNNING
   */
  begin(name: string): SiteRunner | undefined {
    if (!this.#fds.has(name)) return undefined;
    if (this.#closed) throw new WakesockError('ERR_WAKESOCK_NOT_RUNNING', 'The activator ends');
    const fds = this.#fds.get(name) ?? [];
    this.#fds.delete(name);
    const watches = this.#watches.get(name) ?? [];
    this.#watches.delete(name);
    try {
      for (const watch of watches) watch.end();
      return this.#parts.begin(name);
    } catch (error) {
      // One site must not keep the others from being served.
      this.#parts.failed(name, error);
      setTimeout(() => this.#sleepsOn(name, fds), againMs).unref();
      return undefined;
    }
  }

  /** Waits for the first client of each from now on. */
  async watch(): Promise<void> {
    await this.#inTurns((name, fds) => this.#watch(name, fds));
  }

  /** Looks once at what nobody may come to ask for: a socket that is shut down, or deaf from a hold that somebody died in, and what is none at all. */
  async sweep(): Promise<void> {
    await this.#inTurns((name, fds) => {
      if (!fds.every(isSound)) this.begin(name);
    });
  }

  /** Nobody is begun any more. */
  close(): void {
    this.#closed = true;
  }

  #watch(name: string, fds: readonly number[]): void {
    const watches: Watch[] = [];
    this.#watches.set(name, watches);
    try {
      for (const fd of fds) watches.push(this.#parts.poller.watch(fd, EPOLLIN | EPOLLONESHOT, () => this.#asked(name)));
    } catch {
      // What cannot be waited for is no socket; or there is no memory, and its runner tries again.
      this.begin(name);
    }
  }

  #sleepsOn(name: string, fds: readonly number[]): void {
    if (this.#closed) return;
    this.#fds.set(name, fds);
    this.#watch(name, fds);
  }

  /** Once the activator ends, the client is the next one's. */
  #asked(name: string): void {
    if (!this.#closed) this.begin(name);
  }

  async #inTurns(action: (name: string, fds: readonly number[]) => void): Promise<void> {
    let done = 0;
    // Those for which somebody comes meanwhile leave the map, and are passed over.
    for (const [name, fds] of this.#fds) {
      if (this.#closed) return;
      action(name, fds);
      if ((done += 1) % sitesPerTurn === 0) await pause(pauseMs);
    }
  }
}
