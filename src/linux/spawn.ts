/**
 * posix_spawn(3): the child shares our memory until it runs its program. Node's own spawn forks, which copies page tables and so takes
 * longer the more memory we have: 0.6 ms at 46 MB, 3.4 at 109, where this takes 0.1 to 0.2.
 */
import { constants as fsConstants } from 'node:fs';
import { constants } from 'node:os';
import { duplicateFd } from './fd.ts';
import { call, closeFd, isErrno, SyscallError } from './libc.ts';

/** More than glibc (80 and 336 bytes) and musl (80 and 336) have in them. */
const FILE_ACTIONS_BYTES = 256;
const ATTRIBUTES_BYTES = 512;
const SIGSET_BYTES = 128;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
const WNOHANG = 1;

/** How a process ended: one of the two is null. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

let ofAll: Buffer | null = null;

/** No signal ignored or blocked: Node ignores SIGPIPE, and what is ignored stays so across execve(2). */
function attributes(): Buffer {
  if (ofAll) return ofAll;
  const made = Buffer.alloc(ATTRIBUTES_BYTES);
  succeed('posix_spawnattr_init', made);
  succeed('posix_spawnattr_setsigdefault', made, Buffer.alloc(SIGSET_BYTES, 0xff));
  // The mask of a new one is empty.
  succeed('posix_spawnattr_setflags', made, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  return (ofAll = made);
}

/**
 * Starts a program, in the mount namespace that the calling thread is in. It must be waited for: {@link exitedProcess}.
 *
 * @param file what is executed; `program` is then only what it is called
 * @param fds what it has from descriptor 0 on; null: /dev/null. Of others it has those that are not close-on-exec
 * @returns its number
 * @throws SyscallError `ENOENT`, `EACCES` and so on for a program that cannot be run
 */
export function spawnProcess(program: string, args: readonly string[], env: Readonly<Record<string, string>>, fds: readonly (number | null)[], file = program): number {
  const actions = Buffer.alloc(FILE_ACTIONS_BYTES);
  const moved: number[] = [];
  const pid = Buffer.alloc(4);
  succeed('posix_spawn_file_actions_init', actions);
  try {
    // Out of the way of those that are put in place before it.
    const sources = fds.map((fd) => {
      if (fd === null || fd >= fds.length) return fd;
      const copy = duplicateFd(fd, fds.length);
      moved.push(copy);
      return copy;
    });
    for (const [target, source] of sources.entries()) {
      if (source === null) succeed('posix_spawn_file_actions_addopen', actions, target, '/dev/null', fsConstants.O_RDWR, 0);
      else succeed('posix_spawn_file_actions_adddup2', actions, source, target);
    }
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    succeed('posix_spawn', pid, file, actions, attributes(), [program, ...args, null], [...variables, null]);
    return pid.readInt32LE();
  } finally {
    succeed('posix_spawn_file_actions_destroy', actions);
    for (const fd of moved) closeFd(fd);
  }
}

/** Takes the exit status of a child of ours; null while it runs. Its number is anybody's afterwards. */
export function exitedProcess(pid: number): ProcessExit | null {
  const status = Buffer.alloc(4);
  try {
    if (call('waitpid', pid, status, WNOHANG) === 0) return null;
  } catch (error) {
    // Somebody has taken it: it has ended, and how is not known.
    if (isErrno(error, 'ECHILD')) return { code: null, signal: null };
    throw error;
  }
  const word = status.readInt32LE();
  const signal = word & 0x7f;
  return signal === 0 ? { code: (word >> 8) & 0xff, signal: null } : { code: null, signal: signalName(signal) };
}

function signalName(number: number): NodeJS.Signals {
  return (Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}

function succeed(name: Parameters<typeof call>[0], ...args: unknown[]): void {
  const errno = call(name, ...args);
  if (errno !== 0) throw new SyscallError(name, errno);
}
