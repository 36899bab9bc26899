/** Processes of a cgroup that the kernel killed for want of memory: `memory.events` in Documentation/admin-guide/cgroup-v2.rst. */
import { closeSync, openSync, readSync } from 'node:fs';
import { EPOLLPRI } from '../linux/epoll.ts';
import { isErrno } from '../linux/libc.ts';
import type { Poller, Watch } from '../sockets/poller.ts';

export class OomKills {
  readonly #fd: number;
  readonly #watch: Watch;
  readonly #killed: (count: number) => void;
  #seen: number;

  private constructor(fd: number, poller: Poller, seen: number | null, killed: (count: number) => void) {
    this.#fd = fd;
    this.#seen = seen ?? readCount(fd) ?? 0;
    this.#killed = killed;
    // Announced by POLLPRI until it is read again.
    this.#watch = poller.watch(fd, EPOLLPRI, () => this.look());
    this.look();
  }

  /**
   * @param seen how many were told already; null: all that there are
   * @param killed called with how many more there are
   * @returns null where there is no memory controller, or no such cgroup any more
   */
  static of(directory: string, poller: Poller, seen: number | null, killed: (count: number) => void): OomKills | null {
    try {
      return new OomKills(openSync(`${directory}/memory.events`, 'r'), poller, seen, killed);
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return null;
      throw error;
    }
  }

  /** Once the cgroup is gone nothing can be read any more: whoever learns that its last process ended looks at once. */
  look(): void {
    const count = readCount(this.#fd);
    if (count === null || count <= this.#seen) return;
    const more = count - this.#seen;
    this.#seen = count;
    this.#killed(more);
  }

  end(): void {
    this.#watch.end();
    closeSync(this.#fd);
  }
}

function readCount(fd: number): number | null {
  const buffer = Buffer.alloc(256);
  try {
    const [, count] = /^oom_kill (\d+)$/m.exec(buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0))) ?? [];
    return count === undefined ? null : Number(count);
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return null;
    throw error;
  }
}
