/** The box's journal as a stream of events to wait for: what the activator, systemd and the sites say. */
import type { BoxProcess, Machine } from '../box/machine.ts';
import { wholeLines } from '../box/whole-lines.ts';

export interface Entry {
  /** `wakesock` units, sites, `systemd`: SYSLOG_IDENTIFIER. */
  readonly identifier: string;
  /** Whose line it is, or, of systemd's own lines, about whom. */
  readonly unit: string;
  readonly text: string;
  /** Fields of the activator's log; empty for others. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly raw: Readonly<Record<string, unknown>>;
  /** The place behind it: see {@link Journal.mark}. */
  readonly behind: number;
}

const waitTimeoutMs = 20_000;
let marks = 0;

export class Journal {
  readonly #box: Machine;
  readonly #process: BoxProcess;
  readonly #entries: Entry[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  private constructor(box: Machine, since: string) {
    this.#box = box;
    this.#process = box.spawn(['journalctl', '--follow', '--output=json', '--all', '--lines=all', `--since=@${since}`]);
    const { stdout } = this.#process.child;
    if (!stdout) throw new Error('Expected journalctl to have a standard output');
    wholeLines(stdout, (line) => {
      if (this.#ended) return;
      this.#entries.push(read(line, this.#entries.length + 1));
      for (const look of this.#waiting) look();
    });
  }

  static async follow(box: Machine): Promise<Journal> {
    // By its own clock: a virtual machine's is not ours.
    const journal = new Journal(box, (await box.run(['date', '+%s'])).trim());
    await journal.mark();
    return journal;
  }

  /** What has been read so far: costs no time, but lines from before may be behind it. */
  get position(): number {
    return this.#entries.length;
  }

  /** A place in the journal: nothing that was logged before is behind it. */
  async mark(): Promise<number> {
    const word = `mark-${process.pid}-${marks += 1}`;
    const from = this.#entries.length;
    const marked = this.until(({ text }) => text === word, { from, what: word });
    await this.#box.run(['systemd-cat', '--identifier=wakesock-test', 'echo', word]);
    await marked;
    return this.#entries.length;
  }

  /** Entries from the mark on for which `isIt` is true. */
  since(from: number, isIt: (entry: Entry) => boolean): Entry[] {
    return this.#entries.slice(from).filter(isIt);
  }

  /** The first entry from the mark on for which `isIt` is true; waits for it. */
  until(isIt: (entry: Entry) => boolean, { from, what }: { readonly from: number; readonly what: string }): Promise<Entry> {
    return new Promise((resolve, reject) => {
      let next = from;
      const look = (): void => {
        for (; next < this.#entries.length; next += 1) {
          const entry = this.#entries[next];
          if (!entry || !isIt(entry)) continue;
          settle();
          resolve(entry);
          return;
        }
      };
      const timeoutMs = waitTimeoutMs * this.#box.slowness;
      const timer = setTimeout(() => {
        settle();
        const seen = this.#entries.slice(from).map(({ identifier, text }) => `  ${identifier}: ${text}`);
        reject(new Error(`Expected ${what} in the journal within ${timeoutMs} ms, found\n${seen.slice(-40).join('\n')}`));
      }, timeoutMs);
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  end(): void {
    this.#ended = true;
    this.#process.kill('SIGTERM');
  }
}

function read(line: string, behind: number): Entry {
  const raw = JSON.parse(line) as Record<string, unknown>;
  const of = (name: string): string => (typeof raw[name] === 'string' ? raw[name] : '');
  const message = of('MESSAGE');
  const fields = of('_SYSTEMD_UNIT') === 'wakesock.service' && message.startsWith('{') ? JSON.parse(message) as Record<string, unknown> : {};
  return {
    identifier: of('SYSLOG_IDENTIFIER'),
    unit: of('UNIT') || of('_SYSTEMD_UNIT'),
    text: typeof fields['msg'] === 'string' ? fields['msg'] : message,
    fields,
    raw,
    behind,
  };
}
