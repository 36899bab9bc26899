/** What is noted of a site for the next activator, whenever it changes. From when it is woken until it sleeps again. */
import { describeError } from '../base/errors.ts';
import type { RunnerParts } from './parts.ts';
import { processIdentity, readRuntimeState, removeRuntimeState, writeRuntimeState, type RuntimeState } from './runtime-state.ts';

/** What is true at this moment. */
export interface Noted extends Omit<RuntimeState, 'version' | 'process' | 'lastActiveMs'> {
  /** Of the container's first process. Null: not known yet, or there is none. */
  readonly pid: number | null;
  /** By the clock of the parts. */
  readonly activeAtMs: number;
}

export class StateNote {
  readonly #name: string;
  readonly #parts: Pick<RunnerParts, 'paths' | 'log' | 'now'>;
  readonly #present: () => Noted;
  #statusFlags = '';

  constructor(name: string, parts: Pick<RunnerParts, 'paths' | 'log' | 'now'>, present: () => Noted) {
    this.#name = name;
    this.#parts = parts;
    this.#present = present;
  }

  /** By whichever activator. Null: nothing, the site sleeps. */
  read(): RuntimeState | null {
    return readRuntimeState(this.#parts.paths, this.#name);
  }

  write(): void {
    const { paths, log, now } = this.#parts;
    try {
      const { pid, activeAtMs, ...rest } = this.#present();
      writeRuntimeState(paths, this.#name, {
        ...rest, version: 1, process: pid === null ? null : processIdentity(pid), lastActiveMs: Date.now() - (now() - activeAtMs),
      });
      this.#statusFlags = rest.statusFlags.join();
    } catch (error) {
      // The site serves all the same; only a killed activator's successor would start it anew.
      log.error('The state of a site could not be saved', { site: this.#name, ...describeError(error) });
    }
  }

  /** Whether these blocking modes were noted last. */
  hasFlags(statusFlags: readonly number[]): boolean {
    return this.#statusFlags === statusFlags.join();
  }

  remove(): void {
    removeRuntimeState(this.#parts.paths, this.#name);
  }
}
