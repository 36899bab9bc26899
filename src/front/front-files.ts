import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { frontFileBytesMax, frontFilesBytesMax } from '../base/limits.ts';
import type { Log } from '../base/log.ts';

interface Held {
  readonly mtimeMs: number;
  readonly size: number;
  readonly ino: number;
  readonly bytes: Buffer;
}

/** What is held of a file beside its bytes. */
const heldBytes = 512;
const problemsMax = 1_000;

/** Files that are sent for sleeping sites: read when they are first wanted, and again when they have changed. */
export class FrontFiles {
  readonly #held = new LRUCache<string, Held>({ maxSize: frontFilesBytesMax, sizeCalculation: ({ bytes }) => bytes.length + heldBytes });
  /** What was told of each that cannot be sent: once. */
  readonly #problems = new LRUCache<string, string>({ max: problemsMax });
  readonly #log: Pick<Log, 'warn'>;

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log;
  }

  /** Null: it cannot be sent, and the log says why. */
  read(path: string): Buffer | null {
    let fd: number;
    try {
      // A FIFO would be waited at.
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      return this.#problem(path, (error as Error).message);
    }
    try {
      return this.#readFrom(fd, path);
    } catch (error) {
      return this.#problem(path, (error as Error).message);
    } finally {
      closeSync(fd);
    }
  }

  /** The file may be one that a site writes: a link there would have us tell anybody what the site itself cannot see. So none is followed, at no place of the path. */
  #readFrom(fd: number, path: string): Buffer | null {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return this.#problem(path, 'it is no file');
    if (readlinkSync(`/proc/self/fd/${fd}`) !== path) return this.#problem(path, 'a link is on the way there, and links are not followed');
    if (stat.size > frontFileBytesMax) return this.#problem(path, `it has ${stat.size} bytes, of ${frontFileBytesMax} at most`);
    const held = this.#held.get(path);
    if (held !== undefined && held.mtimeMs === stat.mtimeMs && held.size === stat.size && held.ino === stat.ino) return held.bytes;
    const bytes = readAtMost(fd, stat.size);
    this.#held.set(path, { mtimeMs: stat.mtimeMs, size: stat.size, ino: stat.ino, bytes });
    this.#problems.delete(path);
    return bytes;
  }

  #problem(path: string, why: string): null {
    this.#held.delete(path);
    if (this.#problems.get(path) !== why) this.#log.warn(`${path} cannot be sent: ${why}`);
    this.#problems.set(path, why);
    return null;
  }
}

/** As it was when it was looked at: who writes it may make it grow without end. */
function readAtMost(fd: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const read = readSync(fd, bytes, length, size - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

const types: Readonly<Record<string, string>> = {
  txt: 'text/plain; charset=utf-8', html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8',
  json: 'application/json', webmanifest: 'application/manifest+json', xml: 'application/xml',
  ico: 'image/x-icon', png: 'image/png', svg: 'image/svg+xml', gif: 'image/gif', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp',
};

export function typeOf(path: string): string {
  const suffix = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  return Object.hasOwn(types, suffix) ? types[suffix] as string : 'application/octet-stream';
}
