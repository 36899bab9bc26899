/** Which sockets the present program is to listen on, which it does already, and by when (TimeoutStartSec=). */
import type { PreparedSite } from '../base/site.ts';
import type { SiteError } from '../lifecycle/lifecycle.ts';
import type { Listener } from '../sockets/listener.ts';
import type { Pairing } from '../wake/adoption.ts';

export interface ReadinessParts {
  /** Null where it is not known. */
  readonly prepared: () => PreparedSite | null;
  readonly listeners: () => readonly Listener[];
  /** Whether a program that says nothing has shown by now that it serves. */
  readonly serves: () => boolean;
  readonly late: (error: SiteError) => void;
}

export class Readiness {
  readonly #parts: ReadinessParts;
  readonly #listening = new Set<number>();
  #deadline: NodeJS.Timeout | null = null;
  /** What a start that takes long waits for, if not for its program. */
  hindrance: SiteError | null = null;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** Another program, which listens on nothing yet. */
  begins(): void {
    this.#listening.clear();
    this.hindrance = null;
  }

  /** Inodes of the sockets that it listens on. */
  get listening(): readonly number[] {
    return [...this.#listening];
  }

  listensOn(...inodes: readonly number[]): void {
    for (const inode of inodes) this.#listening.add(inode);
  }

  /** Whether it has asked for each of its sockets. A program that was handed them never asks. */
  get complete(): boolean {
    const pairings = this.#announces ? this.pairings : [];
    return pairings.length > 0 && pairings.every((pairing) => this.#has(pairing));
  }

  /** What the program binds, with the socket it gets: by address where it is known again, else in order. */
  get pairings(): readonly Pairing[] {
    const site = this.#parts.prepared()?.site;
    if (!site) return [];
    const listeners = this.#parts.listeners();
    const byText = new Map(listeners.map((listener) => [listener.text, listener]));
    return site.ports.flatMap((port, index) => {
      const listener = byText.get(site.listen[index]?.text ?? '') ?? listeners[index];
      return listener ? [{ port, listener }] : [];
    });
  }

  /** @param timeoutMs Infinity: it may take as long as it takes */
  setDeadline(timeoutMs: number): void {
    this.clearDeadline();
    if (!Number.isFinite(timeoutMs)) return;
    this.#deadline = setTimeout(() => {
      this.#deadline = null;
      if (!this.#parts.serves()) this.#parts.late(this.hindrance ?? this.#tooLate(timeoutMs));
    }, timeoutMs);
  }

  /** What was handed its sockets says nothing when it serves: who still waits at the deadline tells. */
  announced(): void {
    if (this.#announces) this.clearDeadline();
  }

  clearDeadline(): void {
    if (this.#deadline) clearTimeout(this.#deadline);
    this.#deadline = null;
  }

  get #announces(): boolean {
    return this.#parts.prepared()?.site.handoff !== 'listen-fds';
  }

  #has({ listener }: Pairing): boolean {
    return this.#listening.has(listener.inode);
  }

  #tooLate(timeoutMs: number): SiteError {
    const missing = this.pairings.filter((pairing) => !this.#has(pairing)).map(({ port }) => (port.kind === 'tcp' ? `port ${port.port}` : port.path));
    const what = missing.length > 0 ? `did not listen on ${missing.join(', ')}` : 'accepted nobody';
    return { code: 'ERR_WAKESOCK_START_TIMEOUT', message: `The program ${what} within ${timeoutMs} ms (TimeoutStartSec=)` };
  }
}
