/**
 * What moving a process between cgroups waits for, waited for ahead.
 *
 * A move takes a lock of the whole kernel (cgroup_threadgroup_rwsem) for writing, and whoever takes it first waits for an RCU
 * grace period: 5 to 15 ms, the greater part of what a scope costs. Who comes within the next one does not wait. So the wait is
 * begun when a wake begins, and passes while crun is started and systemd is asked.
 */
import { openSync, readFileSync, write } from 'node:fs';

/** The process that writes it (cgroups(7)). */
const OURSELVES = Buffer.from('0');

export class GracePeriod {
  /** Null where we may not write there: every move then waits for itself. */
  readonly #procs: number | null;
  #waiting = false;

  constructor(procsPath = `/sys/fs/cgroup${ownCgroup()}/cgroup.procs`) {
    this.#procs = openForWriting(procsPath);
  }

  /** Returns at once: a thread of libuv's pool does the waiting. Puts us into the cgroup that we are in, which moves nobody. */
  begin(): void {
    if (this.#procs === null || this.#waiting) return;
    this.#waiting = true;
    write(this.#procs, OURSELVES, 0, OURSELVES.length, null, () => {
      this.#waiting = false;
    });
  }
}

function ownCgroup(): string {
  return /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
}

function openForWriting(path: string): number | null {
  try {
    return openSync(path, 'w');
  } catch {
    return null;
  }
}
