/** socket(2) and its options. Descriptors in, plain values out. */
import { AF_INET, AF_INET6, AF_UNIX, SOCK_CLOEXEC, SO_ACCEPTCONN, SO_DOMAIN, SO_PROTOCOL, SO_TYPE, SOL_SOCKET } from './constants.ts';
import { SyscallError, call, isErrno } from './libc.ts';
import { constants } from 'node:os';

export type SocketAddress =
  | { readonly family: 'ipv4' | 'ipv6'; readonly address: string; readonly port: number }
  | { readonly family: 'unix'; readonly path: string }
  | { readonly family: 'other'; readonly number: number };

/** sockaddr_un holds 108 bytes, the last of them NUL (unix(7)). */
export const unixPathBytesMax = 107;

export function openSocket(family: number, type: number, protocol = 0): number {
  return call('socket', family, type | SOCK_CLOEXEC, protocol);
}

export function bindSocket(fd: number, address: SocketAddress): void {
  const bytes = encodeAddress(address);
  call('bind', fd, bytes, bytes.length);
}

/** Also sets the backlog of a socket that listens already. */
export function listenSocket(fd: number, backlog: number): void {
  call('listen', fd, backlog);
}

/** shutdown(2) with SHUT_RD. Of a listening TCP socket: it listens no more, and whoever waits on it is reset. */
export function shutDownReading(fd: number): void {
  call('shutdown', fd, 0);
}

/** Null when nobody waits, or nobody can since the socket was shut down. The connection is close-on-exec. */
export function acceptConnection(fd: number): number | null {
  try {
    return call('accept4', fd, null, null, SOCK_CLOEXEC);
  } catch (error) {
    if (isErrno(error, 'EAGAIN') || isErrno(error, 'ECONNABORTED') || isErrno(error, 'EINVAL')) return null;
    throw error;
  }
}

export function socketAddress(fd: number): SocketAddress {
  const bytes = Buffer.alloc(128);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  call('getsockname', fd, bytes, length);
  return decodeAddress(bytes.subarray(0, length.readUInt32LE()));
}

export function getIntOption(fd: number, level: number, option: number): number {
  return getOption(fd, level, option, 4).readInt32LE();
}

export function setIntOption(fd: number, level: number, option: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  setOption(fd, level, option, bytes);
}

/** The option's bytes, at most `size` of them. */
export function getOption(fd: number, level: number, option: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  return bytes.subarray(0, Math.min(size, readOption(fd, level, option, bytes, size)));
}

/** The length that the kernel answers when it is given no room, for options that count instead of copy. */
export function getOptionLength(fd: number, level: number, option: number): number {
  return readOption(fd, level, option, null, 0);
}

function readOption(fd: number, level: number, option: number, bytes: Buffer | null, size: number): number {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  call('getsockopt', fd, level, option, bytes, length);
  return length.readUInt32LE();
}

export function setOption(fd: number, level: number, option: number, bytes: Buffer): void {
  call('setsockopt', fd, level, option, bytes, bytes.length);
}

export interface SocketKind {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  readonly listening: boolean;
}

/** Null where `fd` is not a socket. */
export function socketKind(fd: number): SocketKind | null {
  try {
    return {
      domain: getIntOption(fd, SOL_SOCKET, SO_DOMAIN),
      type: getIntOption(fd, SOL_SOCKET, SO_TYPE),
      protocol: getIntOption(fd, SOL_SOCKET, SO_PROTOCOL),
      listening: getIntOption(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1,
    };
  } catch (error) {
    if (isErrno(error, 'ENOTSOCK')) return null;
    throw error;
  }
}

/** Reads a `struct sockaddr_*` as the kernel or a program wrote it. */
export function decodeAddress(bytes: Buffer): SocketAddress {
  const family = bytes.length >= 2 ? bytes.readUInt16LE(0) : 0;
  if (family === AF_INET && bytes.length >= 8) {
    return { family: 'ipv4', port: bytes.readUInt16BE(2), address: [...bytes.subarray(4, 8)].join('.') };
  }
  if (family === AF_INET6 && bytes.length >= 24) {
    return { family: 'ipv6', port: bytes.readUInt16BE(2), address: formatIpv6(bytes.subarray(8, 24)) };
  }
  if (family === AF_UNIX) {
    const path = bytes.subarray(2);
    // An abstract name starts with NUL and may hold more of them; a path ends at the first.
    if (path[0] === 0) return { family: 'unix', path: `@${path.subarray(1).toString()}` };
    const end = path.indexOf(0);
    return { family: 'unix', path: path.subarray(0, end === -1 ? path.length : end).toString() };
  }
  return { family: 'other', number: family };
}

export function encodeAddress(address: SocketAddress): Buffer {
  if (address.family === 'ipv4') {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(AF_INET, 0);
    bytes.writeUInt16BE(address.port, 2);
    Buffer.from(address.address.split('.').map(Number)).copy(bytes, 4);
    return bytes;
  }
  if (address.family === 'ipv6') {
    const bytes = Buffer.alloc(28);
    bytes.writeUInt16LE(AF_INET6, 0);
    bytes.writeUInt16BE(address.port, 2);
    parseIpv6(address.address).copy(bytes, 8);
    return bytes;
  }
  if (address.family === 'unix') {
    const path = Buffer.from(address.path);
    if (path.length > unixPathBytesMax) throw new SyscallError('bind', constants.errno.ENAMETOOLONG);
    // An abstract name begins with NUL and ends with its length, a path ends with NUL.
    const abstract = path[0] === 0x40;
    const bytes = Buffer.alloc(2 + path.length + (abstract ? 0 : 1));
    bytes.writeUInt16LE(AF_UNIX, 0);
    path.copy(bytes, 2);
    if (abstract) bytes[2] = 0;
    return bytes;
  }
  throw new SyscallError('bind', constants.errno.EAFNOSUPPORT);
}

function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  // One spelling is enough: the URL parser shortens as RFC 5952 says.
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

function parseIpv6(text: string): Buffer {
  const expanded = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail] = expanded.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  const bytes = Buffer.alloc(16);
  [...left, ...middle, ...right].forEach((group, index) => bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2));
  return bytes;
}
