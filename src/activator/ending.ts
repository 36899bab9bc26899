/** A stop that cannot be undone: its program has been told to end, or is about to be, and has `TimeoutStopSec=` for it. */
import { stopTimeoutMsDefault } from '../base/limits.ts';
import type { Site } from '../base/site.ts';
import { catchesSignal, signalNumber } from '../idle/stop.ts';
import type { Container } from './container.ts';

/** Time for a program to end whose signal handler restores the default, which a first process ignores. */
const spentHandlerMs = 1_000;

export class Ending {
  #begun = false;
  #toldMs: number | null = null;
  #deadlines: NodeJS.Timeout[] = [];

  /** Its clients are held until it is gone. */
  get begun(): boolean {
    return this.#begun;
  }

  /** When it was known to have been sent its stop signal, in milliseconds since the epoch. Null: it was not, as far as is known. */
  get toldMs(): number | null {
    return this.#toldMs;
  }

  /** @param toldMs by an earlier activator */
  begins(toldMs: number | null = null): void {
    this.#begun = true;
    this.#toldMs = toldMs;
  }

  /** The first time counts. */
  told(): void {
    this.#begun = true;
    this.#toldMs ??= Date.now();
  }

  /** From when it was told, however many activators that takes. */
  limit(container: Pick<Container, 'process' | 'exited' | 'kill'>, site: Pick<Site, 'stopTimeoutMs' | 'stopSignal'> | null): void {
    const elapsedMs = Math.max(0, Date.now() - (this.#toldMs ?? Date.now()));
    const timeoutMs = Math.max(0, (site?.stopTimeoutMs ?? stopTimeoutMsDefault) - elapsedMs);
    this.#clearDeadlines();
    // Node without a handler of its own takes the signal, restores the default and sends it again: as the first process
    // of its namespace it never sees that. Who has used up the handler and is still there is told nothing more.
    const spent = setTimeout(() => {
      if (container.process && !catchesSignal(container.process.pid, signalNumber(site?.stopSignal ?? 'TERM'))) container.kill();
    }, Math.min(Math.max(0, spentHandlerMs - elapsedMs), timeoutMs));
    // The first process is not the last of them.
    this.#deadlines = [spent, setTimeout(() => container.kill(), timeoutMs)];
    void container.exited.then(() => clearTimeout(spent));
  }

  /** The program is gone. */
  over(): void {
    this.#clearDeadlines();
    this.#begun = false;
    this.#toldMs = null;
  }

  #clearDeadlines(): void {
    for (const deadline of this.#deadlines) clearTimeout(deadline);
    this.#deadlines = [];
  }
}
