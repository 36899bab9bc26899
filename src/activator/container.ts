/** A container of this or an earlier activator: its first process, its cgroup, and what we hold of it. */
import { EPOLLIN } from '../linux/epoll.ts';
import { closeFd } from '../linux/libc.ts';
import { pidfdOpen } from '../linux/pidfd.ts';
import { killNow } from '../idle/stop.ts';
import type { Cgroup } from '../runtime/cgroup.ts';
import type { OomKills, SliceOomKills } from '../runtime/oom-kills.ts';
import { Output } from '../runtime/output.ts';
import type { Poller, Watch } from '../sockets/poller.ts';

export class Container {
  readonly output = new Output();
  readonly cgroup: Cgroup | null;
  readonly #poller: Poller;
  /** Known once crun has made the process. */
  #process: { readonly pid: number; readonly pidfd: number } | null = null;
  #notify: { readonly fd: number; readonly watch: Watch } | null = null;
  #answering: Promise<void> | null = null;
  #oomKills: OomKills | null = null;
  #oomKilled = false;
  #exited: (() => void) | null = null;
  readonly exited = new Promise<void>((resolve) => {
    this.#exited = resolve;
  });

  constructor(cgroup: Cgroup | null, poller: Poller) {
    this.cgroup = cgroup;
    this.#poller = poller;
  }

  get process(): { readonly pid: number; readonly pidfd: number } | null {
    return this.#process;
  }

  get notifyFd(): number | null {
    return this.#notify?.fd ?? null;
  }

  /** The container's first process is `pid`; {@link exited} resolves when it ends. The second call changes nothing. */
  isProcess(pid: number): void {
    if (this.#process) return;
    const pidfd = pidfdOpen(pid);
    if (pidfd === null) {
      this.#exited?.();
      return;
    }
    this.#process = { pid, pidfd };
    const watch = this.#poller.watch(pidfd, EPOLLIN, () => {
      watch.end();
      // At once: systemd removes the cgroup, and with it the count.
      this.#oomKills?.look();
      this.#exited?.();
    });
  }

  /** `answer` is called while a system call of the program waits on the descriptor, never twice at once. */
  hasNotifyFd(fd: number, answer: () => Promise<void>): void {
    this.#dropNotify();
    const watch = this.#poller.watch(fd, EPOLLIN, (events) => {
      if ((events & EPOLLIN) === 0) {
        // HUP only: every task under the filter is gone.
        this.#dropNotify();
        return;
      }
      watch.arm(0);
      this.#answering = answer().catch(() => {
        // The program went away in the middle; the descriptor hangs up next.
      }).finally(() => {
        this.#answering = null;
        if (this.#notify?.fd === fd) watch.arm(EPOLLIN);
      });
    });
    this.#notify = { fd, watch };
  }

  /**
   * From now on `killed` is told how many of its processes the kernel kills for want of memory. The second call changes nothing.
   * @param known whether those that were killed before were told
   */
  watchOomKills(all: SliceOomKills, known: boolean, killed: (count: number) => void): void {
    if (!this.cgroup) return;
    this.#oomKills ??= all.watch(this.cgroup.directory, known ? null : 0, (count) => {
      this.#oomKilled = true;
      killed(count);
    });
  }

  /** Whether one of its processes was killed for want of memory. */
  get oomKilled(): boolean {
    this.#oomKills?.look();
    return this.#oomKilled;
  }

  kill(): void {
    if (this.#process) killNow({ pidfd: this.#process.pidfd, cgroup: this.cgroup });
    else this.cgroup?.kill();
  }

  /** Resolves when no process of it is left, and all it wrote has been read. */
  async untilGone(): Promise<void> {
    if (this.#process) await this.exited;
    await this.cgroup?.untilEmpty();
    this.#oomKills?.look();
    this.#oomKills?.end();
    this.#oomKills = null;
    this.#dropNotify();
    if (this.#process) closeFd(this.#process.pidfd);
    this.#process = null;
    await this.output.ended();
  }

  #dropNotify(): void {
    if (!this.#notify) return;
    const { fd, watch } = this.#notify;
    this.#notify = null;
    watch.end();
    // An answer under way still names the descriptor: its number must not be another's by then.
    if (this.#answering) void this.#answering.finally(() => closeFd(fd));
    else closeFd(fd);
  }
}
