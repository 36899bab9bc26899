/**
 * Sites of which nothing was left by an earlier activator and that nobody has asked for: a name, and descriptors on which a client is waited for. Whatever
 * else there is to know of them is looked at when somebody comes, since with thousands of them it would take longer than the wake that we are started for.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { WakesockError } from '../base/errors.ts';
import { EPOLLIN, EPOLLONESHOT } from '../linux/epoll.ts';
import type { Poller, Watch } from '../sockets/poller.ts';
import { isSound } from '../sockets/sound.ts';
import type { SiteRunner } from './site-runner.ts';

/** 0.3 ms of them: whoever is being woken meanwhile is not kept waiting for longer. */
const sitesPerTurn = 100;

export interface SleepingParts {
  readonly poller: Pick<Poller, 'watch'>;
  /** Makes the site's runner, which waits for clients from then on. Undefined: no socket of it can be used. */
  readonly begin: (site: string) => SiteRunner | undefined;
  readonly failed: (site: string, error: unknown) => void;
}

interface Sleeper {
  readonly fds: readonly number[];
  watches: readonly Watch[];
}

export class SleepingSites {
  readonly #parts: SleepingParts;
  readonly #sleepers: Map<string, Sleeper>;
  #closed = false;

  /** @param sites those that sleep, with the descriptors of each */
  constructor(sites: Iterable<readonly [name: string, fds: readonly number[]]>, parts: SleepingParts) {
    this.#parts = parts;
    this.#sleepers = new Map([...sites].map(([name, fds]) => [name, { fds, watches: [] }]));
  }

  get names(): readonly string[] {
    return [...this.#sleepers.keys()];
  }

  has(name: string): boolean {
    return this.#sleepers.has(name);
  }

  fds(name: string): readonly number[] {
    return this.#sleepers.get(name)?.fds ?? [];
  }

  /**
   * Somebody asks for the site: it sleeps here no more. Undefined: there is no such site here, or it cannot be served.
   *
   * @throws WakesockError ERR_WAKESOCK_NOT_RUNNING
   */
  begin(name: string): SiteRunner | undefined {
    const sleeper = this.#sleepers.get(name);
    if (sleeper === undefined) return undefined;
    if (this.#closed) throw new WakesockError('ERR_WAKESOCK_NOT_RUNNING', 'The activator ends');
    this.#sleepers.delete(name);
    try {
      for (const watch of sleeper.watches) watch.end();
      return this.#parts.begin(name);
    } catch (error) {
      // One site must not keep the others from being served.
      this.#parts.failed(name, error);
      return undefined;
    }
  }

  /** Waits for the first client of each from now on. */
  async watch(): Promise<void> {
    await this.#inTurns((name, sleeper) => {
      try {
        for (const fd of sleeper.fds) sleeper.watches = [...sleeper.watches, this.#parts.poller.watch(fd, EPOLLIN | EPOLLONESHOT, () => this.#asked(name))];
      } catch {
        // What cannot be waited for is no socket; or there is no memory, and its runner tries again.
        this.begin(name);
      }
    });
  }

  /** Looks once at what nobody may come to ask for: a socket that is shut down, or deaf from a hold that somebody died in, and what is none at all. */
  async sweep(): Promise<void> {
    await this.#inTurns((name, { fds }) => {
      if (!fds.every(isSound)) this.begin(name);
    });
  }

  /** Nobody is begun any more. */
  close(): void {
    this.#closed = true;
  }

  /** Once the activator ends, the client is the next one's. */
  #asked(name: string): void {
    if (!this.#closed) this.begin(name);
  }

  async #inTurns(action: (name: string, sleeper: Sleeper) => void): Promise<void> {
    let done = 0;
    // Those for which somebody comes meanwhile leave the map, and are passed over.
    for (const [name, sleeper] of this.#sleepers) {
      if (this.#closed) return;
      action(name, sleeper);
      if ((done += 1) % sitesPerTurn === 0) await turn();
    }
  }
}
