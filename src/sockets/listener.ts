/** A listening socket that a site is served on. */
import { chmodSync, fstatSync, lstatSync, unlinkSync } from 'node:fs';
import { AF_INET, AF_INET6, AF_UNIX, IPPROTO_TCP, O_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR } from '../linux/constants.ts';
import { bindSocket, getOption, listenSocket, openSocket, setIntOption, shutDownReading, socketAddress, socketKind, type SocketAddress, type SocketKind } from '../linux/socket.ts';
import { setStatusFlags } from '../linux/fd.ts';
import { closeFd, isErrno } from '../linux/libc.ts';
import { inetSockets } from '../linux/sock-diag.ts';
import { WakesockError } from '../base/errors.ts';

export interface Listener {
  readonly fd: number;
  /** Number of the socket in sockfs: the same for every holder, so that it can be known again in another process. */
  readonly inode: number;
  readonly family: 'ipv4' | 'ipv6' | 'unix';
  readonly address: SocketAddress;
  /** As `ListenStream=` writes it. */
  readonly text: string;
}

export const TCP_INFO = 11;
/** Values of tcpi_state. */
export const TCP_LISTEN = 10;
const TCP_CLOSE = 7;

/** systemd's own default is SOMAXCONN, which the kernel caps at net.core.somaxconn (4096). */
export const BACKLOG_DEFAULT = 4096;

/**
 * Looks at an inherited descriptor; anything but a listening stream socket is a named error. A TCP socket that a program has
 * shut down while no activator was there to see it listens again.
 */
export function inspectListener(fd: number, name: string): Listener {
  const kind = socketKind(fd);
  if (kind === null) throw unusable(name, 'a listening stream socket', 'a descriptor that is no socket');
  if (kind.type !== SOCK_STREAM) throw unusable(name, 'a stream socket (ListenStream=)', `a socket of type ${kind.type}`);
  const wasShutDown = !kind.listening && isShutListener(fd, kind);
  if (!kind.listening && !wasShutDown) throw unusable(name, 'a listening socket', 'a connection (Accept=yes?) or a socket that was shut down');
  if (kind.domain !== AF_INET && kind.domain !== AF_INET6 && kind.domain !== AF_UNIX) {
    throw unusable(name, 'an IPv4, IPv6 or UNIX socket', `address family ${kind.domain}`);
  }
  const listener = listenerOf(fd);
  if (wasShutDown) listenAgain(listener, BACKLOG_DEFAULT);
  return listener;
}

/** Opens a socket as systemd would for `ListenStream=` (the embedded activator has nobody else to do it). */
export function openListener(address: SocketAddress): Listener {
  const family = { ipv4: AF_INET, ipv6: AF_INET6, unix: AF_UNIX, other: 0 }[address.family];
  const fd = openSocket(family, SOCK_STREAM);
  try {
    if (address.family === 'unix') unlinkIfThere(address.path);
    else setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    bindSocket(fd, address);
    if (address.family === 'unix') chmodSync(address.path, 0o666);
    setStatusFlags(fd, O_NONBLOCK);
    listenSocket(fd, BACKLOG_DEFAULT);
    return listenerOf(fd);
  } catch (error) {
    closeFd(fd);
    throw new WakesockError('ERR_WAKESOCK_SOCKET', `Cannot listen on ${addressText(address)}: ${(error as Error).message}`, { cause: error });
  }
}

/** Whoever shuts it down again and again has it so. */
const listenAgainTriesMax = 8;

/**
 * Makes a TCP socket listen that a program has shut down. Who does that twice, as WEBrick with a socket for each family, leaves a
 * mark that listen(2) does not take away: every later connection would be over before it begins. Shutting down a socket that does listen
 * takes it away (inet_shutdown, tcp_disconnect).
 */
export function listenAgain(listener: Listener, backlog: number): void {
  for (let tries = 0; tries < listenAgainTriesMax; tries += 1) {
    listenSocket(listener.fd, backlog);
    if (!isMarked(listener)) return;
    try {
      shutDownReading(listener.fd);
    } catch (error) {
      // The program was quicker once more.
      if (!isErrno(error, 'ENOTCONN')) throw error;
    }
  }
  listenSocket(listener.fd, backlog);
}

/** See {@link listenAgain}; of a socket that listens. */
export function isMarked({ family, address, inode }: Listener): boolean {
  if (family === 'unix' || address.family !== family) return false;
  return inetSockets(family, address.port, 'listening').some((socket) => socket.inode === inode && socket.shutDown);
}

export function addressText(address: SocketAddress): string {
  switch (address.family) {
    case 'unix':
      return address.path;
    case 'other':
      return `family ${address.number}`;
    default:
      return address.family === 'ipv4' ? `${address.address}:${address.port}` : `[${address.address}]:${address.port}`;
  }
}

/** Of a socket that is known to be one that sites can be served on. */
export function listenerOf(fd: number): Listener {
  const address = socketAddress(fd);
  if (address.family === 'other') throw unusable('', 'an IPv4, IPv6 or UNIX socket', `address family ${address.number}`);
  return { fd, inode: fstatSync(fd).ino, family: address.family, address, text: addressText(address) };
}

/** Closed, yet bound: a listener after shutdown(2). A connection of Accept=yes is in another state. */
function isShutListener(fd: number, { domain }: SocketKind): boolean {
  if (domain !== AF_INET && domain !== AF_INET6) return false;
  if (getOption(fd, IPPROTO_TCP, TCP_INFO, 1).readUInt8() !== TCP_CLOSE) return false;
  const address = socketAddress(fd);
  return (address.family === 'ipv4' || address.family === 'ipv6') && address.port !== 0;
}

/** A socket that somebody left. Anything else at the path is not ours to remove: bind then says EADDRINUSE. */
function unlinkIfThere(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function unusable(name: string, expected: string, found: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_SOCKET', `Descriptor \`${name}\`: expected ${expected}, found ${found}`);
}
