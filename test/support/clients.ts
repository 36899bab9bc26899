/** Clients inside the box: what they see is what a user sees. One process drives them all. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BoxProcess, Machine } from '../box/machine.ts';
import { wholeLines } from '../box/whole-lines.ts';

/** What test/programs/answering.py says. */
export interface Answer {
  readonly said: string;
  /** Who asked, as the program sees it. */
  readonly peer: readonly [string, number] | string;
  /** In the program's own namespace. */
  readonly pid: number;
  /** Another one after each start of the program. */
  readonly start: string;
  readonly result: unknown;
}

type AgentEvent =
  | { readonly id: number; readonly event: 'connected'; readonly local: [string | null, number | null] }
  | { readonly id: number; readonly event: 'line'; readonly line: string }
  | { readonly id: number; readonly event: 'closed'; readonly error: string | null };

/** No client that can be served waits as long. */
const answerTimeoutMs = 20_000;
const agent = join(dirname(fileURLToPath(import.meta.url)), 'client-agent.mjs');

export class Clients {
  readonly #process: BoxProcess;
  readonly #connections = new Map<number, Connection>();
  #ids = 0;

  readonly #answerTimeoutMs: number;

  constructor(box: Machine) {
    this.#answerTimeoutMs = answerTimeoutMs * box.slowness;
    this.#process = box.spawn([process.execPath, agent]);
    const { stdout } = this.#process.child;
    if (!stdout) throw new Error('Expected the agent to have a standard output');
    wholeLines(stdout, (line) => {
      const event = JSON.parse(line) as AgentEvent;
      this.#connections.get(event.id)?.take(event);
    });
  }

  /** Begins to connect. `to` is HOST:PORT, [HOST]:PORT or a path. */
  open(to: string, send?: string): Connection {
    const id = this.#ids += 1;
    const connection = new Connection(to, this.#answerTimeoutMs, (command) => this.#process.child.stdin?.write(`${JSON.stringify({ id, ...command })}\n`));
    this.#connections.set(id, connection);
    connection.command({ do: 'open', to, ...(send === undefined ? {} : { send }) });
    return connection;
  }

  /** One client as most are: connects, asks, is answered, goes. Throws where it was not answered. */
  async ask(to: string, say = 'hello'): Promise<Answer> {
    const connection = this.open(to, `${say}\n`);
    try {
      return await connection.answer();
    } finally {
      connection.close();
    }
  }

  /** As {@link ask}, of somebody who is not served: resolves with how the connection ended, `closed` where without an error. */
  async turnedAway(to: string): Promise<string> {
    const connection = this.open(to, 'hello\n');
    const error = await connection.closed;
    if (connection.answers > 0) throw new Error(`Expected the client of ${to} to be turned away, it was answered`);
    return error ?? 'closed';
  }

  end(): void {
    this.#process.child.stdin?.end();
  }
}

export class Connection {
  readonly #to: string;
  readonly #timeoutMs: number;
  readonly #lines: string[] = [];
  readonly #wanted: ((line: string | Error) => void)[] = [];
  #local: readonly [string | null, number | null] = [null, null];
  #close: (error: string | null) => void = () => {};
  #connect: () => void = () => {};
  #ended: string | null = null;
  readonly connected = new Promise<void>((resolve) => { this.#connect = resolve; });
  /** Resolves with the name of the error, or null. */
  readonly closed = new Promise<string | null>((resolve) => { this.#close = resolve; });
  readonly command: (command: Record<string, string>) => void;
  answers = 0;

  constructor(to: string, timeoutMs: number, command: (command: Record<string, string>) => void) {
    this.#to = to;
    this.#timeoutMs = timeoutMs;
    this.command = command;
  }

  /** The client's own address, as it knows it. */
  get local(): readonly [string | null, number | null] {
    return this.#local;
  }

  take(event: AgentEvent): void {
    if (event.event === 'connected') {
      this.#local = event.local;
      this.#connect();
    } else if (event.event === 'line') {
      this.answers += 1;
      const wanted = this.#wanted.shift();
      if (wanted) wanted(event.line);
      else this.#lines.push(event.line);
    } else {
      this.#ended = event.error ?? 'closed';
      for (const wanted of this.#wanted.splice(0)) wanted(this.#lost());
      this.#close(event.error);
    }
  }

  send(line: string): void {
    this.command({ do: 'send', send: `${line}\n` });
  }

  /** The next line, not yet taken. */
  async line(): Promise<string> {
    const line = this.#lines.shift();
    if (line !== undefined) return line;
    if (this.#ended !== null) throw this.#lost();
    let timer: NodeJS.Timeout | undefined;
    const found = await new Promise<string | Error>((resolve) => {
      this.#wanted.push(resolve);
      timer = setTimeout(() => resolve(new Error(`Expected an answer from ${this.#to} within ${this.#timeoutMs} ms, got none`)), this.#timeoutMs);
    });
    clearTimeout(timer);
    if (found instanceof Error) throw found;
    return found;
  }

  async answer(): Promise<Answer> {
    return JSON.parse(await this.line()) as Answer;
  }

  async ask(say: string): Promise<Answer> {
    this.send(say);
    return this.answer();
  }

  /** Its site is in use until that is over: who says nothing for IdleSec=, or for a second to who asks for sleep, is nobody. */
  async inUseDuring<T>(work: Promise<T>): Promise<T> {
    const state = { over: false };
    const done = work.finally(() => { state.over = true; });
    done.catch(() => {});
    while (!state.over) await this.ask('still');
    return done;
  }

  close(): void {
    this.command({ do: 'close' });
  }

  #lost(): Error {
    return new Error(`Expected an answer from ${this.#to}, the connection ended: ${this.#ended}`);
  }
}
