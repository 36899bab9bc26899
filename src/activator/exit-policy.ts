/** When the activator ends, and with which status. */
import { readableNow } from '../linux/fd.ts';
import type { SiteRunner } from './site-runner.ts';

/**
 * Start me again: RestartForceExitStatus= of wakesock.service. systemd keeps the fd store across it, and a socket unit
 * can be started in between. An exit with 0 while a client waits would be counted against the socket unit.
 */
export const EXIT_AGAIN = 75;

export class ExitPolicy {
  readonly decided: Promise<number>;
  readonly #idleMs: number;
  readonly #everyFd: readonly number[];
  readonly #runners: () => readonly SiteRunner[];
  #decide: (status: number) => void = () => {};
  #timer: NodeJS.Timeout | null = null;
  #steppingAside = false;
  /** Requests at the control socket, leases among them. */
  #controlBusy: () => boolean = () => false;

  /** @param everyFd all inherited sockets */
  constructor(idleMs: number, everyFd: readonly number[], runners: () => readonly SiteRunner[]) {
    this.#idleMs = idleMs;
    this.#everyFd = everyFd;
    this.#runners = runners;
    this.decided = new Promise((resolve) => {
      this.#decide = resolve;
    });
  }

  set controlBusy(busy: () => boolean) {
    this.#controlBusy = busy;
  }

  /** Something has changed: begins or ends the countdown. */
  reconsider(): void {
    if (this.#steppingAside) {
      if (!this.#runners().some((runner) => runner.busy)) this.end(EXIT_AGAIN);
      return;
    }
    if (!this.#nothingToDo) {
      if (this.#timer) clearTimeout(this.#timer);
      this.#timer = null;
      return;
    }
    if (this.#timer || !Number.isFinite(this.#idleMs)) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#nothingToDo) return;
      this.end(readableNow(this.#everyFd).length > 0 ? EXIT_AGAIN : 0);
    }, this.#backoffLeftMs + this.#idleMs);
  }

  /** Ends as soon as no site is between two states; what is awake stays awake. */
  stepAside(): void {
    this.#steppingAside = true;
    this.reconsider();
  }

  end(status: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#decide(status);
  }

  get #nothingToDo(): boolean {
    return !this.#controlBusy() && this.#runners().every((runner) => runner.quiet || runner.backoffLeftMs > 0);
  }

  /** A back-off is remembered only as long as we are there. */
  get #backoffLeftMs(): number {
    return Math.max(0, ...this.#runners().map((runner) => runner.backoffLeftMs));
  }
}
