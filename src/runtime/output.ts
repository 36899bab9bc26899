/** What a program writes to stdout and stderr: lines, in order, to the journal under the site's name. */
import { EPOLLIN } from '../linux/epoll.ts';
import { readAvailable } from '../linux/fd.ts';
import { closeFd } from '../linux/libc.ts';
import { errorLogLinesMax, logLineBytesMax } from '../base/limits.ts';
import type { Poller } from '../sockets/poller.ts';

export type OutputStream = 'stdout' | 'stderr';

/** Takes one line without its newline. */
export type LineSink = (stream: OutputStream, line: string) => void;

/** Read at most this much of one program before others get their turn. */
const READ_BYTES = 64 * 1024;
/** Of all programs: what was read is copied or made text before anybody reads again. One for each stream would be the greatest part of what an awake site costs us. */
const readBuffer = Buffer.alloc(READ_BYTES);

export class Output {
  readonly #lastLines: string[] = [];
  readonly #ends: Promise<void>[] = [];

  /** The last lines, for the error of a site that failed. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** Resolves when every stream has ended: all who could write are gone, and what they wrote has been read. */
  async ended(): Promise<void> {
    await Promise.all(this.#ends);
  }

  /** Reads `fd` until its writers are gone, then closes it; at once where it cannot be watched, which throws. */
  follow(poller: Poller, fd: number, stream: OutputStream, sink: LineSink): void {
    let rest: Buffer = Buffer.alloc(0);
    const emit = (line: Buffer): void => {
      const text = line.toString('utf8');
      if (this.#lastLines.push(text) > errorLogLinesMax) this.#lastLines.shift();
      sink(stream, text);
    };
    this.#ends.push(watched(poller, fd, () => {
      const bytes = readAvailable(fd, readBuffer);
      if (bytes === null) return 'more';
      if (bytes.length > 0) {
        rest = splitLines(Buffer.concat([rest, bytes]), emit);
        return 'more';
      }
      if (rest.length > 0) emit(rest);
      return 'ended';
    }));
  }
}

/** Resolves when `read` says that all has been read; `fd` is closed then, or at once where it cannot be watched. */
function watched(poller: Poller, fd: number, read: () => 'more' | 'ended'): Promise<void> {
  let done: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => {
    done = resolve;
  });
  try {
    const watch = poller.watch(fd, EPOLLIN, () => {
      if (read() === 'more') return;
      watch.end();
      closeFd(fd);
      done?.();
    });
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return ended;
}

/** Hands over the whole lines of `bytes`, and over-long ones in parts; returns what is left. */
export function splitLines(bytes: Buffer, emit: (line: Buffer) => void): Buffer {
  let start = 0;
  for (;;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    while (end - start > logLineBytesMax) {
      emit(bytes.subarray(start, start + logLineBytesMax));
      start += logLineBytesMax;
    }
    if (newline === -1) return Buffer.from(bytes.subarray(start));
    emit(bytes.subarray(start, newline));
    start = newline + 1;
  }
}
