/** Processes that the kernel killed for want of memory, by cgroup: `memory.events` in Documentation/admin-guide/cgroup-v2.rst. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { EPOLLPRI } from '../linux/epoll.ts';
import { isErrno } from '../linux/libc.ts';
import type { Poller, Watch } from '../sockets/poller.ts';

/**
 * Of all scopes of wakesock.slice. The kernel announces a kill up to 10 ms late, and systemd removes the cgroup of a program that
 * is gone as soon as it hears of it: a scope's own count may be lost before anybody has read it. It is in the slice's, which
 * stays: what nobody has been told of belongs to whose count could not be read.
 */
export class SliceOomKills {
  readonly #directory: string;
  readonly #poller: Poller;
  readonly #watched = new Set<OomKills>();
  /** Of the slice that has this inode: it is made anew when it was stopped. */
  #inode: number | null;
  #told: number;

  constructor(directory: string, poller: Poller) {
    this.#directory = directory;
    this.#poller = poller;
    this.#inode = inodeOf(directory);
    this.#told = this.#count();
  }

  /**
   * @param directory of a scope
   * @param seen how many were told already; null: all that there are
   * @param killed called with how many more there are
   */
  watch(directory: string, seen: number | null, killed: (count: number) => void): OomKills {
    const inode = inodeOf(this.#directory);
    if (inode !== this.#inode) this.#told = 0;
    this.#inode = inode;
    const one = new OomKills(directory, this.#poller, seen, {
      killed: (count) => {
        this.#told += count;
        killed(count);
      },
      unread: () => this.#unexplained(),
      ended: () => this.#watched.delete(one),
    });
    this.#watched.add(one);
    one.look();
    return one;
  }

  /** Those of whom all others say that they are not theirs. */
  #unexplained(): number {
    if (this.#count() <= this.#told) return 0;
    for (const one of this.#watched) one.lookAtOwn();
    return Math.max(0, this.#count() - this.#told);
  }

  /** 0 without memory controller, or where the slice is gone. */
  #count(): number {
    try {
      return countIn(readFileSync(`${this.#directory}/memory.events`, 'utf8')) ?? 0;
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return 0;
      throw error;
    }
  }
}

interface OomEvents {
  readonly killed: (count: number) => void;
  /** The scope's own count cannot be read any more: how many are its own all the same. */
  readonly unread: () => number;
  readonly ended: () => void;
}

/** Of one scope. */
export class OomKills {
  /** Null where there is no memory controller, or the scope is gone. */
  readonly #fd: number | null;
  readonly #watch: Watch | null;
  readonly #events: OomEvents;
  #seen: number;

  constructor(directory: string, poller: Poller, seen: number | null, events: OomEvents) {
    this.#events = events;
    this.#fd = openIfAny(`${directory}/memory.events`);
    this.#seen = seen ?? (this.#fd === null ? 0 : readCount(this.#fd) ?? 0);
    // Announced by POLLPRI until it is read again.
    this.#watch = this.#fd === null ? null : poller.watch(this.#fd, EPOLLPRI, () => this.look());
  }

  look(): void {
    if (this.lookAtOwn()) return;
    const more = this.#events.unread();
    if (more > 0) this.#events.killed(more);
  }

  /** False: the cgroup is gone, and its count with it. */
  lookAtOwn(): boolean {
    const count = this.#fd === null ? null : readCount(this.#fd);
    if (count === null) return false;
    const more = count - this.#seen;
    if (more > 0) {
      this.#seen = count;
      this.#events.killed(more);
    }
    return true;
  }

  end(): void {
    this.#events.ended();
    this.#watch?.end();
    if (this.#fd !== null) closeSync(this.#fd);
  }
}

function openIfAny(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return null;
    throw error;
  }
}

function readCount(fd: number): number | null {
  const buffer = Buffer.alloc(256);
  try {
    return countIn(buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0)));
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return null;
    throw error;
  }
}

function countIn(events: string): number | null {
  const [, count] = /^oom_kill (\d+)$/m.exec(events) ?? [];
  return count === undefined ? null : Number(count);
}

function inodeOf(directory: string): number | null {
  return statSync(directory, { throwIfNoEntry: false })?.ino ?? null;
}
