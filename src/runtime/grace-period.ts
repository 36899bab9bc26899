/**
 * What moving a process between cgroups waits for, waited for ahead, and for less long.
 *
 * A move takes a lock of the whole kernel (cgroup_threadgroup_rwsem) for writing, and whoever takes it first waits for an RCU
 * grace period: 8 to 16 ms, the greater part of what a scope costs. Who comes within the next one does not wait. So we take it
 * first, when a wake begins, by a move that moves nobody; and for that one wait we ask the kernel for the expedited kind,
 * a tenth of a millisecond, as it uses itself for every umount(2).
 */
import { openSync, readFileSync, readSync, write, writeSync } from 'node:fs';

/** The process that writes it (cgroups(7)). */
const OURSELVES = Buffer.from('0');
/**
 * What we write for "yes": the kernel takes any number. So what an activator left that died in between is known from what the
 * administrator wants, who writes 1. The letters of "wake".
 */
const EXPEDITED_BY_US = '2002873189';
const NOT_EXPEDITED = '0';

export class GracePeriod {
  /** Null where we may not write there: every move then waits for itself. */
  readonly #procs: number | null;
  /** Null where it is not ours to write: the wait takes as long as it takes. */
  readonly #expedited: number | null;
  #waiting = false;

  constructor(procsPath = `/sys/fs/cgroup${ownCgroup()}/cgroup.procs`, expeditedPath = '/sys/kernel/rcu_expedited') {
    this.#procs = openForWriting(procsPath);
    this.#expedited = openForWriting(expeditedPath);
  }

  /**
   * Returns at once: a thread of libuv's pool does the waiting. Puts us into the cgroup that we are in, which moves nobody.
   * An activator that dies meanwhile leaves the kernel expedited; the next one's first wait, at its start, ends that too.
   */
  begin(): void {
    if (this.#procs === null || this.#waiting) return;
    this.#waiting = true;
    const undecided = [NOT_EXPEDITED, EXPEDITED_BY_US].includes(this.#present());
    if (undecided) this.#expedite(EXPEDITED_BY_US);
    write(this.#procs, OURSELVES, 0, OURSELVES.length, null, () => {
      if (undecided && this.#present() === EXPEDITED_BY_US) this.#expedite(NOT_EXPEDITED);
      this.#waiting = false;
    });
  }

  /** Looked at each time: any other number than these is the administrator's, who may decide while we run. (With `rcu_normal`, which wins, it is no use.) */
  #present(): string {
    if (this.#expedited === null) return '';
    const buffer = Buffer.alloc(32);
    return buffer.toString('latin1', 0, readSync(this.#expedited, buffer, 0, buffer.length, 0)).split('\n', 1)[0] ?? '';
  }

  #expedite(value: string): void {
    if (this.#expedited !== null) writeSync(this.#expedited, `${value}\n`, 0);
  }
}

function ownCgroup(): string {
  return /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
}

function openForWriting(path: string): number | null {
  try {
    return openSync(path, 'r+');
  } catch {
    return null;
  }
}
