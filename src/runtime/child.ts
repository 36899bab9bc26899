/** A child process, whose end the one epoll set reports. */
import { EPOLLIN } from '../linux/epoll.ts';
import { closeFd } from '../linux/libc.ts';
import { pidfdOpen, pidfdSignal } from '../linux/pidfd.ts';
import { exitedProcess, spawnProcess, type ProcessExit } from '../linux/spawn.ts';
import type { Poller } from '../sockets/poller.ts';

const SIGKILL = 9;

export interface Child {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  /** Nothing once it has ended. */
  kill(): void;
}

/** @throws SyscallError for a program that cannot be run */
export function startChild(poller: Poller, ...what: Parameters<typeof spawnProcess>): Child {
  const pid = spawnProcess(...what);
  // It is ours to wait for, so that the number cannot be another's yet.
  const pidfd = pidfdOpen(pid);
  if (pidfd === null) throw new Error(`Expected the child ${pid} to be there until it is waited for`);
  let ended = false;
  const exited = new Promise<ProcessExit>((resolve) => {
    const watch = poller.watch(pidfd, EPOLLIN, () => {
      const exit = exitedProcess(pid);
      if (exit === null) return;
      ended = true;
      watch.end();
      closeFd(pidfd);
      resolve(exit);
    });
  });
  return { pid, exited, kill: () => { if (!ended) pidfdSignal(pidfd, SIGKILL); } };
}
