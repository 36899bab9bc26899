/** A child process that is spoken to in lines. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

export class LineProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #closed: Promise<void>;
  readonly #name: string;
  readonly #unread: string[] = [];
  #waiting: { readonly resolve: (line: string) => void; readonly reject: (error: Error) => void } | null = null;
  #ended = false;

  /** What it writes to stderr goes to ours. */
  constructor(command: string, args: readonly string[]) {
    this.#name = [command, ...args].join(' ');
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#closed = new Promise((resolve) => { this.#child.once('close', () => resolve()).once('error', () => resolve()); });
    this.#child.stdin?.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#lines.on('line', (line) => {
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting) waiting.resolve(line);
      else this.#unread.push(line);
    });
    void this.#closed.then(() => {
      this.#ended = true;
      this.#waiting?.reject(this.#gone());
    });
  }

  send(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** The next line. Rejects when the process ends. */
  line(): Promise<string> {
    const line = this.#unread.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#ended) return Promise.reject(this.#gone());
    return new Promise((resolve, reject) => { this.#waiting = { resolve, reject }; });
  }

  /** Closes its standard input, by which it ends. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#closed;
  }

  #gone(): Error {
    return new Error(`${this.#name} has ended (${this.#child.exitCode ?? this.#child.signalCode ?? 'not started'})`);
  }
}
