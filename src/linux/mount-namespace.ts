/**
 * Mounts that nobody else sees, mount_namespaces(7): the calling thread goes into a mount namespace of its own, does what is to be
 * done there, and comes back. What is started meanwhile stays in it; with the last process in it, all its mounts are gone, however
 * that process ended. There is no line at which somebody could die and leave a mount behind.
 *
 * Only this thread goes: others of this process, in the middle of a file operation, stay where they are.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { O_CLOEXEC, O_PATH } from './constants.ts';
import { call } from './libc.ts';

const CLONE_NEWNS = 0x0002_0000;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_REC = 0x4000;
const MS_SLAVE = 0x8_0000;

/**
 * @param act is over when it returns: nothing that it leaves waiting is in the namespace any more
 * @throws SyscallError; what `act` throws
 */
export function inPrivateMounts<T>(act: () => T): T {
  const [own, root, directory] = [openSync('/proc/thread-self/ns/mnt', constants.O_RDONLY | O_CLOEXEC), openPath('/'), openPath('.')];
  try {
    call('unshare', CLONE_NEWNS);
    try {
      // Not back into the machine's namespace. What is unmounted there goes here, too, rather than being held.
      call('mount', null, '/', null, MS_REC | MS_SLAVE, null);
      return act();
    } finally {
      comeBack(own, root, directory);
    }
  } finally {
    for (const fd of [own, root, directory]) closeSync(fd);
  }
}

/** Mounts an overlay, nodev. @param base what relative directories in `options` start at @param options as of mount(8), less than a page */
export function mountOverlay(base: string, target: string, options: string): void {
  const [there, before] = [openPath(base), openPath('.')];
  try {
    call('fchdir', there);
    call('mount', 'overlay', target, 'overlay', MS_NODEV, options);
  } finally {
    call('fchdir', before);
    for (const fd of [there, before]) closeSync(fd);
  }
}

/** Mounts a file system that is in memory and never swapped out, for data alone. Nothing limits its size. */
export function mountMemory(target: string): void {
  call('mount', 'ramfs', target, 'ramfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, 'mode=0755');
}

/** Who cannot come back sees a world of his own from then on, and is of no use to anybody: systemd starts another. */
function comeBack(own: number, root: number, directory: number): void {
  try {
    call('setns', own, CLONE_NEWNS);
    // That goes to the root of the namespace, which is not ours where somebody was put elsewhere by chroot(2).
    call('fchdir', root);
    call('chroot', '.');
    call('fchdir', directory);
  } catch (error) {
    process.stderr.write(`wakesock: the machine's mount namespace could not be entered again: ${String(error)}\n`);
    process.abort();
  }
}

function openPath(path: string): number {
  return openSync(path, O_PATH | constants.O_DIRECTORY | O_CLOEXEC);
}
