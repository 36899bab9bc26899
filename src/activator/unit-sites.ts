/** Relayed sites with `Unit=`. They have no socket here: each is known from when somebody first asks for it, or from what an earlier activator left. */
import { WakesockError, describeError } from '../base/errors.ts';
import type { RunnerParts } from './parts.ts';
import type { UnitRunner } from './unit-runner.ts';

export class UnitSites {
  readonly #runners = new Map<string, UnitRunner>();
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  get known(): Iterable<UnitRunner> {
    return this.#runners.values();
  }

  /** @throws WakesockError ERR_WAKESOCK_SITE_NOT_FOUND no relayed site has this name; ERR_WAKESOCK_NOT_SUPPORTED it has no `Unit=` */
  async find(name: string): Promise<UnitRunner> {
    const known = this.#runners.get(name);
    if (known !== undefined) return known;
    const prepared = await this.#parts.prepared(name).catch((error: unknown) => {
      // Nothing of that name is prepared: whatever its files are like, it is not enabled.
      throw error instanceof WakesockError && error.code === 'ERR_WAKESOCK_NO_SITE' ? notHere(name) : error;
    });
    if (prepared.site.handoff !== 'relay') throw notHere(name);
    const { UnitRunner } = await import('./unit-runner.ts');
    const runner = this.#runners.get(name) ?? new UnitRunner(name, prepared, this.#parts);
    this.#runners.set(name, runner);
    return runner;
  }

  /** Units that an earlier activator has started, or was about to. @param names sites that were not dormant then */
  async takeOver(names: readonly string[]): Promise<void> {
    for (const name of names) {
      try {
        const prepared = this.#parts.preparedNow(name);
        if (prepared.site.handoff !== 'relay') continue;
        const { UnitRunner } = await import('./unit-runner.ts');
        if (this.#runners.has(name)) continue;
        const runner = new UnitRunner(name, prepared, this.#parts);
        this.#runners.set(name, runner);
        runner.begin();
      } catch (error) {
        this.#parts.log.error(`${name} could not be taken over`, { site: name, ...describeError(error) });
      }
    }
  }
}

function notHere(name: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', `No site \`${name}\` has a socket here; is it enabled?`);
}
