/**
 * Holding clients while a program shuts down, so that it cannot accept a connection that it will drop.
 */
import { chmodSync, chownSync, existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { AF_UNIX, O_NONBLOCK, SOCK_DGRAM, SOCK_STREAM } from '../linux/constants.ts';
import { clearFilter, setFilter } from '../linux/filter.ts';
import { setStatusFlags } from '../linux/fd.ts';
import { call, closeFd, isErrno } from '../linux/libc.ts';
import { bindSocket, encodeAddress, listenSocket, openSocket } from '../linux/socket.ts';
import { inspectListener, type Listener } from './listener.ts';

/**
 * TCP: SYNs are dropped and the client's kernel sends them again after a second, two, four. Only SYNs: accepted
 * connections inherit the filter, and one that dropped everything would leave them deaf for ever.
 */
export function holdSyns(fd: number): void {
  setFilter(fd, [
    { code: 0x30, jt: 0, jf: 0, k: 13 }, // ldb: the flags of the TCP header
    { code: 0x54, jt: 0, jf: 0, k: 0x12 }, // and SYN | ACK
    { code: 0x15, jt: 1, jf: 0, k: 0x02 }, // only SYN: drop
    { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
    { code: 0x06, jt: 0, jf: 0, k: 0 },
  ]);
}

export function releaseSyns(fd: number): void {
  clearFilter(fd);
}

/**
 * UNIX: no filter reaches them, so new clients are led to a second socket by renaming it over the path. Both sockets keep
 * a name: the one that clients do not reach has it beside the path.
 */
const spareSuffix = '.wakesock-spare';
const keptSuffix = '.wakesock-kept';

/** A second socket like the original. Nobody is led to it yet. */
export function makeSpare(original: Listener, backlog: number): Listener {
  const path = pathOf(original);
  rmSync(path + spareSuffix, { force: true });
  const fd = openSocket(AF_UNIX, SOCK_STREAM);
  try {
    bindSocket(fd, { family: 'unix', path: path + spareSuffix });
    const { mode, uid, gid } = statSync(path);
    chownSync(path + spareSuffix, uid, gid);
    chmodSync(path + spareSuffix, mode & 0o7777);
    setStatusFlags(fd, O_NONBLOCK);
    listenSocket(fd, backlog);
    return { ...inspectListener(fd, path), text: original.text };
  } catch (error) {
    closeFd(fd);
    rmSync(path + spareSuffix, { force: true });
    throw error;
  }
}

/** Whether this is the second socket of the original, made by an earlier activator. */
export function isSpareOf(spare: Listener, original: Listener): boolean {
  return spare.address.family === 'unix' && spare.address.path === pathOf(original) + spareSuffix;
}

/** Clients that come from here on reach the spare. At every instant the path leads to one of the two. */
export function leadToSpare(original: Listener): void {
  const path = pathOf(original);
  rmSync(path + keptSuffix, { force: true });
  linkSync(path, path + keptSuffix);
  renameSync(path + spareSuffix, path);
}

export function leadToOriginal(original: Listener): void {
  const path = pathOf(original);
  rmSync(path + spareSuffix, { force: true });
  linkSync(path, path + spareSuffix);
  renameSync(path + keptSuffix, path);
  // Still there if it was the same socket as the path, for which rename(2) does nothing.
  rmSync(path + keptSuffix, { force: true });
}

/** The spare has no name any more. The path leads to the original. */
export function forgetSpare(original: Listener): void {
  rmSync(pathOf(original) + spareSuffix, { force: true });
}

/** The path leads to the spare. A name that does not mean so is removed. */
export function isHeld(original: Listener): boolean {
  const path = pathOf(original);
  const kept = path + keptSuffix;
  if (!existsSync(kept)) return false;
  // The same socket: somebody died before the spare was renamed. No socket: the unit was started again since, and the
  // path is its new socket's.
  if (statSync(kept).ino !== statSync(path, { throwIfNoEntry: false })?.ino && hasSocket(kept)) return true;
  rmSync(kept, { force: true });
  return false;
}

/** Without a name nobody can be led to it. */
export function hasSpareName(original: Listener): boolean {
  return existsSync(pathOf(original) + spareSuffix);
}

/** Undoes what an activator that died in the middle has left: the path leads to the original again. */
export function undoUnixHold(original: Listener): void {
  if (isHeld(original)) leadToOriginal(original);
}

/** Whether a stream socket is bound to the path, without becoming its client: a datagram socket may not connect to it (connect(2)). */
function hasSocket(path: string): boolean {
  const fd = openSocket(AF_UNIX, SOCK_DGRAM);
  try {
    const address = encodeAddress({ family: 'unix', path });
    call('connect', fd, address, address.length);
    return false;
  } catch (error) {
    return isErrno(error, 'EPROTOTYPE');
  } finally {
    closeFd(fd);
  }
}

function pathOf(listener: Listener): string {
  if (listener.address.family !== 'unix') throw new TypeError(`${listener.text} is not a UNIX socket`);
  return listener.address.path;
}
