import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { keptAnswerBytesMax, keptAnswersMax, keptHeadBytesMax, keptInFlightMax, keptWaitingBytesMax, keptWriteMs } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { fromFile, toFile, type KeptAnswer } from './kept-answer.ts';

/** An answer that is under way, and not kept after all. */
export interface Dropped {
  drop(): void;
}

interface Waiting {
  readonly site: string;
  readonly target: string;
  /** Null: what is there is to be removed. */
  readonly answer: KeptAnswer | null;
}

/**
 * Answers of sites, for when they sleep: a file each, so that they outlive this process, which ends long before a site falls asleep.
 * `DIRECTORY/SITE/HASH`. What a busy site answers is written every few seconds at most, and what has not been written yet is found all the same.
 */
export class AnswerStore {
  readonly #directory: string;
  readonly #log: Pick<Log, 'warn'>;
  readonly #waiting = new LRUCache<string, Waiting>({ maxSize: keptWaitingBytesMax, sizeCalculation: ({ answer }) => keptHeadBytesMax + (answer?.body.length ?? 0) });
  /** What is being kept of answers that are under way. The newest are: a client that takes its answer slowly must not be in the way of others. */
  readonly #inFlight = new LRUCache<string, Dropped>({ max: keptInFlightMax, dispose: (each) => each.drop() });
  #timer: NodeJS.Timeout | null = null;
  #writing = Promise.resolve();
  #problem = '';

  constructor(directory: string, log: Pick<Log, 'warn'>) {
    this.#directory = directory;
    this.#log = log;
  }

  find(site: string, target: string): KeptAnswer | null {
    const path = this.#path(site, target);
    const waiting = this.#waiting.get(path);
    if (waiting !== undefined) return waiting.answer;
    const bytes = readWhole(path);
    const answer = bytes === null ? null : fromFile(bytes);
    return answer?.target === target ? answer : null;
  }

  /** Of those to one target only the newest is kept; of all, as many as fit. */
  begins(site: string, target: string, keeping: Dropped): void {
    this.#inFlight.set(`${site}\n${target}`, keeping);
  }

  keep(site: string, answer: KeptAnswer): void {
    this.#put({ site, target: answer.target, answer });
  }

  forget(site: string, target: string): void {
    this.#put({ site, target, answer: null });
  }

  #put(waiting: Waiting): void {
    this.#waiting.set(this.#path(waiting.site, waiting.target), waiting);
    this.#timer ??= setTimeout(() => void this.flush(), keptWriteMs);
  }

  /** What waits is written. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    return (this.#writing = this.#writing.then(() => this.#writeAll()));
  }

  async #writeAll(): Promise<void> {
    const waitingNow = [...this.#waiting.entries()];
    for (const [path, waiting] of waitingNow) {
      try {
        if (waiting.answer === null) await rm(path, { force: true });
        else await this.#write(`${this.#directory}/${waiting.site}`, path, waiting.answer);
        this.#problem = '';
      } catch (error) {
        const { message, code = '' } = error as NodeJS.ErrnoException;
        if (code !== this.#problem) this.#log.warn(`Answers cannot be kept for sleeping sites: ${message}`);
        this.#problem = code;
      }
      // Unless another has come meanwhile.
      if (this.#waiting.peek(path) === waiting) this.#waiting.delete(path);
    }
  }

  async #write(directory: string, path: string, answer: KeptAnswer): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const temporary = `${path}.new`;
    try {
      const file = await open(temporary, 'w', 0o600);
      try {
        await file.writeFile(toFile(answer));
        // Before its name: after a power cut there is the old one or the new one.
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await removeOldest(directory);
  }

  /** Removes what was kept of sites that are no more. */
  async sweep(isSite: (name: string) => boolean): Promise<void> {
    for (const name of await readdir(this.#directory).catch(() => [])) {
      if (!isSite(name)) await rm(`${this.#directory}/${name}`, { recursive: true, force: true }).catch(() => {});
    }
  }

  /** A target may be longer than a file's name, and have anything in it. */
  #path(site: string, target: string): string {
    return `${this.#directory}/${site}/${createHash('sha256').update(target).digest('hex').slice(0, 40)}`;
  }
}

async function removeOldest(directory: string): Promise<void> {
  const names = await readdir(directory);
  if (names.length <= keptAnswersMax) return;
  const files = await Promise.all(names.map(async (name) => ({ path: `${directory}/${name}`, atMs: (await stat(`${directory}/${name}`)).mtimeMs })));
  for (const { path } of files.toSorted((a, b) => b.atMs - a.atMs).slice(keptAnswersMax)) await rm(path, { force: true });
}

function readWhole(path: string): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return fstatSync(fd).size > keptAnswerBytesMax + keptHeadBytesMax ? null : readFileSync(fd);
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
