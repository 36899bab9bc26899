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

  /** What it writes to stderr goes to ours. @param stderr `lines`: is read as lines, as its standard output is */
  constructor(command: string, args: readonly string[], { stderr = 'inherit' }: { readonly stderr?: 'inherit' | 'lines' } = {}) {
    this.#name = [command, ...args].join(' ');
    // Detached: a Ctrl-C is for the run, which ends them in order.
    const [program, ...words] = stderr === 'lines' ? ['sh', '-c', 'exec "$0" "$@" 2>&1', command, ...args] : [command, ...args];
    this.#child = spawn(program as string, words, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
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

  /** The next line, which must be this. What is said beside it would be taken for the answer to the question after. */
  async expect(text: string): Promise<void> {
    const line = await this.line();
    if (line !== text) throw new Error(`Expected ${this.#name} to say ${text}, got ${line}`);
  }

  /** Passes over lines up to one that matches. */
  async lineWith(pattern: RegExp): Promise<string> {
    for (let line = await this.line(); ; line = await this.line()) if (pattern.test(line)) return line;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** For a program that its standard input tells nothing. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.#closed;
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
