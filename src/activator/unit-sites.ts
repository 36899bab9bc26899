/** Relayed sites with `Unit=`: they have no socket here, and a runner from when they are first asked for. */
import { WakesockError, describeError } from '../base/errors.ts';
import type { PreparedSite } from '../base/site.ts';
import type { RunnerParts } from './parts.ts';
import { namesNotDormant } from './runtime-state.ts';
import type { UnitRunner } from './unit-runner.ts';

export class UnitSites {
  readonly runners = new Map<string, UnitRunner>();
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** The prepared site of this name, if it is enabled and relayed. */
  find(name: string): PreparedSite | null {
    try {
      const prepared = this.#parts.preparedNow(name);
      return prepared.site.handoff === 'relay' ? prepared : null;
    } catch (error) {
      if (error instanceof WakesockError && error.code === 'ERR_WAKESOCK_NOT_ENABLED') return null;
      throw error;
    }
  }

  /** Null: there is no such site. @throws WakesockError there is nothing to start */
  async open(name: string): Promise<UnitRunner | null> {
    const prepared = this.find(name);
    if (prepared === null) return null;
    const { UnitRunner } = await import('./unit-runner.ts');
    const runner = this.runners.get(name) ?? new UnitRunner(name, prepared, this.#parts);
    this.runners.set(name, runner);
    return runner;
  }

  /** Units that an earlier activator has started, or was about to. */
  async takeOver(): Promise<void> {
    for (const name of namesNotDormant(this.#parts.paths)) {
      try {
        if (!this.runners.has(name)) (await this.open(name))?.begin();
      } catch (error) {
        this.#parts.log.error(`${name} could not be taken over`, { site: name, ...describeError(error) });
      }
    }
  }
}
