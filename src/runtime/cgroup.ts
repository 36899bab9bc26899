/** The cgroup of a scope, cgroups(7) and Documentation/admin-guide/cgroup-v2.rst: freeze, kill, and waiting for both. */
import { closeSync, existsSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { EPOLLPRI } from '../linux/epoll.ts';
import { isErrno } from '../linux/libc.ts';
import type { Poller } from '../sockets/poller.ts';

/**
 * The kernel tells of changes of `cgroup.events` at most once in 10 ms (CGROUP_FILE_NOTIFY_MIN_INTV). What it has put off it
 * forgets when systemd removes the cgroup meanwhile, and of a removal nobody is told who polls: the end would never be heard of.
 */
const lookAgainMs = 50;
const mountPoint = '/sys/fs/cgroup';

/** The directory of `wakesock.slice`: our own service is in it, wherever systemd's tree begins. */
export function sliceDirectory(ownCgroup = readFileSync('/proc/self/cgroup', 'utf8')): string {
  const path = /^0::(.*)$/m.exec(ownCgroup)?.[1] ?? '/';
  const at = path.indexOf('/wakesock.slice');
  return at === -1 ? `${mountPoint}/wakesock.slice` : `${mountPoint}${path.slice(0, at)}/wakesock.slice`;
}

/** Whether systemd has put the process into this scope. */
export function isInScope(pid: number, scope: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n').some((line) => line.startsWith('0::') && line.endsWith(`/${scope}`));
  } catch {
    return false;
  }
}

export class Cgroup {
  readonly directory: string;
  readonly #poller: Poller;

  constructor(directory: string, poller: Poller) {
    this.directory = directory;
    this.#poller = poller;
  }

  get exists(): boolean {
    return existsSync(this.directory);
  }

  /** Resolves when every process of the cgroup has stopped. False: it is gone. */
  async freeze(): Promise<boolean> {
    return this.#write('cgroup.freeze', '1') && (await this.#until((events) => events.includes('frozen 1') || events.includes('populated 0')));
  }

  /** Told to be, whether every process has stopped yet or not. */
  get frozen(): boolean {
    return this.#read('cgroup.freeze')?.trim() === '1';
  }

  thaw(): void {
    this.#write('cgroup.freeze', '0');
  }

  /** SIGKILL to all at once, frozen or not. */
  kill(): void {
    this.#write('cgroup.kill', '1');
  }

  /** Resolves when no process is left. */
  async untilEmpty(): Promise<void> {
    await this.#until((events) => events.includes('populated 0'));
  }

  processes(): number[] {
    return this.#read('cgroup.procs')?.split('\n').filter(Boolean).map(Number) ?? [];
  }

  /** The first process of the container in it: number 1 in the namespace below ours. Null where there is none. */
  firstProcess(): number | null {
    return this.processes().find((pid) => /^NSpid:\t\d+\t1$/m.test(readStatus(pid))) ?? null;
  }

  /** Bytes; null where there is no memory controller. */
  memoryBytes(): number | null {
    const text = this.#read('memory.current');
    return text === null ? null : Number(text);
  }

  cpuUsec(): number | null {
    const usage = /^usage_usec (\d+)$/m.exec(this.#read('cpu.stat') ?? '');
    return usage ? Number(usage[1]) : null;
  }

  #write(file: string, value: string): boolean {
    try {
      writeFileSync(`${this.directory}/${file}`, value);
      return true;
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return false;
      throw error;
    }
  }

  #read(file: string): string | null {
    try {
      return readFileSync(`${this.directory}/${file}`, 'utf8');
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return null;
      throw error;
    }
  }

  /** `cgroup.events` is announced by POLLPRI until it is read again, or not at all ({@link lookAgainMs}). False: the cgroup has been removed. */
  #until(reached: (events: string) => boolean): Promise<boolean> {
    let fd: number;
    try {
      fd = openSync(`${this.directory}/cgroup.events`, 'r');
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return Promise.resolve(false);
      throw error;
    }
    return new Promise((resolve) => {
      const look = (): boolean => {
        const events = readEvents(fd);
        if (events !== null && !reached(events)) return false;
        watch.end();
        clearInterval(again);
        closeSync(fd);
        resolve(events !== null);
        return true;
      };
      const watch = this.#poller.watch(fd, EPOLLPRI, look);
      const again = setInterval(look, lookAgainMs);
      look();
    });
  }
}

/** Empty where the process is gone. */
function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

function readEvents(fd: number): string | null {
  const buffer = Buffer.alloc(256);
  try {
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return null;
    throw error;
  }
}
