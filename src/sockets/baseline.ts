/**
 * What a socket unit made of a listening socket, and putting it back: the program shares the open file description
 * with systemd, so an option it sets outlives it.
 */
import { IPPROTO_TCP, SOL_SOCKET } from '../linux/constants.ts';
import { clearFilter, hasFilter } from '../linux/filter.ts';
import { getStatusFlags, setStatusFlags } from '../linux/fd.ts';
import { inetSockets, unixSockets } from '../linux/sock-diag.ts';
import { isErrno } from '../linux/libc.ts';
import { getOption, listenSocket, setOption, socketKind } from '../linux/socket.ts';
import type { Listener } from './listener.ts';

const SOL_IP = 0;
const SOL_IPV6 = 41;

interface Option {
  readonly name: string;
  readonly level: number;
  readonly number: number;
  readonly bytes: number;
  readonly families: readonly Listener['family'][];
  /** The kernel doubles what it is given (socket(7)): half is written back. */
  readonly doubled?: true;
}

const all = ['ipv4', 'ipv6', 'unix'] as const;
const inet = ['ipv4', 'ipv6'] as const;

/** Every option that a program may set without privileges and that accepted connections inherit or waiting ones feel. */
const options: readonly Option[] = [
  { name: 'SO_REUSEADDR', level: SOL_SOCKET, number: 2, bytes: 4, families: all },
  { name: 'SO_DONTROUTE', level: SOL_SOCKET, number: 5, bytes: 4, families: inet },
  { name: 'SO_SNDBUF', level: SOL_SOCKET, number: 7, bytes: 4, families: all, doubled: true },
  { name: 'SO_RCVBUF', level: SOL_SOCKET, number: 8, bytes: 4, families: all, doubled: true },
  { name: 'SO_KEEPALIVE', level: SOL_SOCKET, number: 9, bytes: 4, families: all },
  { name: 'SO_OOBINLINE', level: SOL_SOCKET, number: 10, bytes: 4, families: inet },
  { name: 'SO_PRIORITY', level: SOL_SOCKET, number: 12, bytes: 4, families: all },
  { name: 'SO_LINGER', level: SOL_SOCKET, number: 13, bytes: 8, families: all },
  { name: 'SO_REUSEPORT', level: SOL_SOCKET, number: 15, bytes: 4, families: inet },
  { name: 'SO_PASSCRED', level: SOL_SOCKET, number: 16, bytes: 4, families: ['unix'] },
  { name: 'SO_RCVLOWAT', level: SOL_SOCKET, number: 18, bytes: 4, families: all },
  { name: 'SO_RCVTIMEO', level: SOL_SOCKET, number: 20, bytes: 16, families: all },
  { name: 'SO_SNDTIMEO', level: SOL_SOCKET, number: 21, bytes: 16, families: all },
  { name: 'SO_TIMESTAMP', level: SOL_SOCKET, number: 29, bytes: 4, families: all },
  { name: 'SO_MARK', level: SOL_SOCKET, number: 36, bytes: 4, families: inet },
  { name: 'SO_BUSY_POLL', level: SOL_SOCKET, number: 46, bytes: 4, families: inet },
  { name: 'SO_INCOMING_CPU', level: SOL_SOCKET, number: 49, bytes: 4, families: inet },
  { name: 'IP_TOS', level: SOL_IP, number: 1, bytes: 4, families: ['ipv4'] },
  { name: 'IP_TTL', level: SOL_IP, number: 2, bytes: 4, families: ['ipv4'] },
  { name: 'IP_MINTTL', level: SOL_IP, number: 21, bytes: 4, families: ['ipv4'] },
  { name: 'IPV6_UNICAST_HOPS', level: SOL_IPV6, number: 16, bytes: 4, families: ['ipv6'] },
  { name: 'IPV6_TCLASS', level: SOL_IPV6, number: 67, bytes: 4, families: ['ipv6'] },
  { name: 'IPV6_MINHOPCOUNT', level: SOL_IPV6, number: 73, bytes: 4, families: ['ipv6'] },
  { name: 'TCP_NODELAY', level: IPPROTO_TCP, number: 1, bytes: 4, families: inet },
  { name: 'TCP_CORK', level: IPPROTO_TCP, number: 3, bytes: 4, families: inet },
  { name: 'TCP_KEEPIDLE', level: IPPROTO_TCP, number: 4, bytes: 4, families: inet },
  { name: 'TCP_KEEPINTVL', level: IPPROTO_TCP, number: 5, bytes: 4, families: inet },
  { name: 'TCP_KEEPCNT', level: IPPROTO_TCP, number: 6, bytes: 4, families: inet },
  { name: 'TCP_SYNCNT', level: IPPROTO_TCP, number: 7, bytes: 4, families: inet },
  { name: 'TCP_LINGER2', level: IPPROTO_TCP, number: 8, bytes: 4, families: inet },
  { name: 'TCP_DEFER_ACCEPT', level: IPPROTO_TCP, number: 9, bytes: 4, families: inet },
  { name: 'TCP_WINDOW_CLAMP', level: IPPROTO_TCP, number: 10, bytes: 4, families: inet },
  { name: 'TCP_CONGESTION', level: IPPROTO_TCP, number: 13, bytes: 16, families: inet },
  { name: 'TCP_USER_TIMEOUT', level: IPPROTO_TCP, number: 18, bytes: 4, families: inet },
  { name: 'TCP_FASTOPEN', level: IPPROTO_TCP, number: 23, bytes: 4, families: inet },
  { name: 'TCP_NOTSENT_LOWAT', level: IPPROTO_TCP, number: 25, bytes: 4, families: inet },
];

/** Plain data, so that the next activator can read it: taken before any program held the socket. */
export interface Baseline {
  readonly inode: number;
  readonly backlog: number;
  readonly statusFlags: number;
  /** Option name to its bytes in hex. */
  readonly options: Readonly<Record<string, string>>;
}

export function captureBaseline(listener: Listener): Baseline {
  const values: Record<string, string> = {};
  for (const option of optionsOf(listener)) {
    const bytes = readOption(listener.fd, option);
    if (bytes) values[option.name] = bytes.toString('hex');
  }
  return { inode: listener.inode, backlog: queueOf(listener)?.backlog ?? 0, statusFlags: getStatusFlags(listener.fd), options: values };
}

/**
 * Puts the socket back as the unit made it.
 *
 * @returns the names of what was different; `shutdown` means that the socket did not listen any more
 */
export function restoreBaseline(listener: Listener, baseline: Baseline): string[] {
  const changed: string[] = [];
  if (hasFilter(listener.fd)) {
    clearFilter(listener.fd);
    changed.push('filter');
  }
  for (const option of optionsOf(listener)) {
    const wanted = baseline.options[option.name];
    const found = readOption(listener.fd, option)?.toString('hex');
    if (wanted === undefined || found === wanted) continue;
    changed.push(option.name);
    setOption(listener.fd, option.level, option.number, bytesToSet(option, Buffer.from(wanted, 'hex')));
  }
  if (getStatusFlags(listener.fd) !== baseline.statusFlags) {
    changed.push('flags');
    setStatusFlags(listener.fd, baseline.statusFlags);
  }
  const listening = socketKind(listener.fd)?.listening === true;
  if (!listening) changed.push('shutdown');
  if (!listening || queueOf(listener)?.backlog !== baseline.backlog) {
    if (listening) changed.push('backlog');
    listenSocket(listener.fd, baseline.backlog);
  }
  return changed;
}

/** Names of what is not as the baseline says; empty is the invariant that holds for every dormant site. */
export function differences(listener: Listener, baseline: Baseline): string[] {
  const now = captureBaseline(listener);
  const names = optionsOf(listener).map((option) => option.name).filter((name) => now.options[name] !== baseline.options[name]);
  if (hasFilter(listener.fd)) names.push('filter');
  if (now.statusFlags !== baseline.statusFlags) names.push('flags');
  if (socketKind(listener.fd)?.listening !== true) names.push('shutdown');
  else if (now.backlog !== baseline.backlog) names.push('backlog');
  return names;
}

/** Connections that wait to be accepted, and the backlog; null where the socket does not listen. */
export function queueOf(listener: Listener): { waiting: number; backlog: number } | null {
  const { address } = listener;
  if (address.family === 'other') return null;
  const found = address.family === 'unix'
    ? unixSockets(null).find((socket) => socket.listening && socket.inode === listener.inode)
    : inetSockets(address.family, address.port).find((socket) => socket.state === 'listen' && socket.inode === listener.inode);
  return found ? { waiting: found.receiveQueue, backlog: found.sendQueue } : null;
}

function optionsOf(listener: Listener): Option[] {
  return options.filter((option) => option.families.includes(listener.family));
}

function readOption(fd: number, option: Option): Buffer | null {
  try {
    return getOption(fd, option.level, option.number, option.bytes);
  } catch (error) {
    // Not every kernel and family has every option; what cannot be read cannot have been set.
    if (isErrno(error, 'ENOPROTOOPT') || isErrno(error, 'ENOTSUP') || isErrno(error, 'EINVAL')) return null;
    throw error;
  }
}

function bytesToSet(option: Option, bytes: Buffer): Buffer {
  if (!option.doubled) return bytes;
  const half = Buffer.alloc(4);
  half.writeInt32LE(bytes.readInt32LE() >> 1);
  return half;
}
