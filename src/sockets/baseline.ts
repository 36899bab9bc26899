/**
 * What a socket unit made of a listening socket, and putting it back: the program shares the open file description
 * with systemd, so an option it sets outlives it.
 */
import { IPPROTO_TCP, SOL_SOCKET } from '../linux/constants.ts';
import { clearFilter, hasFilter } from '../linux/filter.ts';
import { eventsNow, getStatusFlags, POLLHUP, POLLRDHUP, setStatusFlags } from '../linux/fd.ts';
import { unixSockets } from '../linux/sock-diag.ts';
import { SyscallError, isErrno } from '../linux/libc.ts';
import { getOption, listenSocket, setOption, socketKind } from '../linux/socket.ts';
import { BACKLOG_DEFAULT, isMarked, listenAgain, TCP_INFO, TCP_LISTEN, type Listener } from './listener.ts';

const SOL_IP = 0;
const SOL_IPV6 = 41;

interface Option {
  readonly name: string;
  readonly level: number;
  readonly number: number;
  readonly bytes: number;
  readonly families: readonly Listener['family'][];
  /** The kernel doubles what it is given (socket(7)): half is written back, under the number that no sysctl limits. */
  readonly doubledBy?: number;
  /** What is written where the value found by us stands for "not set". */
  readonly unset?: { readonly found: number; readonly written: number };
}

const all = ['ipv4', 'ipv6', 'unix'] as const;
const inet = ['ipv4', 'ipv6'] as const;

/**
 * Every option that a program may set without privileges and that accepted connections inherit or waiting ones feel. In
 * this order: SO_BUF_LOCK is a side effect of the two sizes, SO_PRIORITY one of IP_TOS.
 */
const options: readonly Option[] = [
  { name: 'SO_REUSEADDR', level: SOL_SOCKET, number: 2, bytes: 4, families: all },
  { name: 'SO_DONTROUTE', level: SOL_SOCKET, number: 5, bytes: 4, families: inet },
  { name: 'SO_SNDBUF', level: SOL_SOCKET, number: 7, bytes: 4, families: all, doubledBy: 32 },
  { name: 'SO_RCVBUF', level: SOL_SOCKET, number: 8, bytes: 4, families: all, doubledBy: 33 },
  { name: 'SO_BUF_LOCK', level: SOL_SOCKET, number: 72, bytes: 4, families: all },
  { name: 'SO_KEEPALIVE', level: SOL_SOCKET, number: 9, bytes: 4, families: all },
  { name: 'SO_OOBINLINE', level: SOL_SOCKET, number: 10, bytes: 4, families: inet },
  { name: 'SO_LINGER', level: SOL_SOCKET, number: 13, bytes: 8, families: all },
  { name: 'SO_REUSEPORT', level: SOL_SOCKET, number: 15, bytes: 4, families: inet },
  { name: 'SO_PASSCRED', level: SOL_SOCKET, number: 16, bytes: 4, families: ['unix'] },
  { name: 'SO_RCVLOWAT', level: SOL_SOCKET, number: 18, bytes: 4, families: all },
  { name: 'SO_RCVTIMEO', level: SOL_SOCKET, number: 20, bytes: 16, families: all },
  { name: 'SO_SNDTIMEO', level: SOL_SOCKET, number: 21, bytes: 16, families: all },
  { name: 'SO_TIMESTAMP', level: SOL_SOCKET, number: 29, bytes: 4, families: all },
  { name: 'SO_PASSSEC', level: SOL_SOCKET, number: 34, bytes: 4, families: ['unix'] },
  { name: 'SO_TIMESTAMPNS', level: SOL_SOCKET, number: 35, bytes: 4, families: all },
  { name: 'SO_TIMESTAMPING', level: SOL_SOCKET, number: 37, bytes: 8, families: inet },
  { name: 'SO_MARK', level: SOL_SOCKET, number: 36, bytes: 4, families: inet },
  { name: 'SO_PEEK_OFF', level: SOL_SOCKET, number: 42, bytes: 4, families: inet },
  { name: 'SO_BUSY_POLL', level: SOL_SOCKET, number: 46, bytes: 4, families: inet },
  { name: 'SO_MAX_PACING_RATE', level: SOL_SOCKET, number: 47, bytes: 8, families: inet },
  { name: 'SO_INCOMING_CPU', level: SOL_SOCKET, number: 49, bytes: 4, families: inet },
  { name: 'SO_PASSPIDFD', level: SOL_SOCKET, number: 76, bytes: 4, families: ['unix'] },
  { name: 'SO_PASSRIGHTS', level: SOL_SOCKET, number: 83, bytes: 4, families: ['unix'] },
  // An IPv6 socket has these too, for its IPv4 clients.
  { name: 'IP_TOS', level: SOL_IP, number: 1, bytes: 4, families: inet },
  { name: 'IP_TTL', level: SOL_IP, number: 2, bytes: 4, families: inet },
  { name: 'IP_MTU_DISCOVER', level: SOL_IP, number: 10, bytes: 4, families: inet },
  { name: 'IP_RECVERR', level: SOL_IP, number: 11, bytes: 4, families: inet },
  { name: 'IP_MINTTL', level: SOL_IP, number: 21, bytes: 4, families: inet },
  { name: 'IPV6_UNICAST_HOPS', level: SOL_IPV6, number: 16, bytes: 4, families: ['ipv6'] },
  { name: 'IPV6_MTU_DISCOVER', level: SOL_IPV6, number: 23, bytes: 4, families: ['ipv6'] },
  { name: 'IPV6_RECVERR', level: SOL_IPV6, number: 25, bytes: 4, families: ['ipv6'] },
  // Extension headers of every packet, also as IPV6_2292PKTOPTIONS sets them; the routing header without a privilege.
  { name: 'IPV6_HOPOPTS', level: SOL_IPV6, number: 54, bytes: 2048, families: ['ipv6'] },
  { name: 'IPV6_RTHDRDSTOPTS', level: SOL_IPV6, number: 55, bytes: 2048, families: ['ipv6'] },
  { name: 'IPV6_RTHDR', level: SOL_IPV6, number: 57, bytes: 2048, families: ['ipv6'] },
  { name: 'IPV6_DSTOPTS', level: SOL_IPV6, number: 59, bytes: 2048, families: ['ipv6'] },
  { name: 'IPV6_TCLASS', level: SOL_IPV6, number: 67, bytes: 4, families: ['ipv6'] },
  { name: 'IPV6_MINHOPCOUNT', level: SOL_IPV6, number: 73, bytes: 4, families: ['ipv6'] },
  { name: 'SO_PRIORITY', level: SOL_SOCKET, number: 12, bytes: 4, families: all },
  { name: 'TCP_NODELAY', level: IPPROTO_TCP, number: 1, bytes: 4, families: inet },
  // TCP_MSS_DEFAULT is what a socket without one answers.
  { name: 'TCP_MAXSEG', level: IPPROTO_TCP, number: 2, bytes: 4, families: inet, unset: { found: 536, written: 0 } },
  { name: 'TCP_CORK', level: IPPROTO_TCP, number: 3, bytes: 4, families: inet },
  { name: 'TCP_KEEPIDLE', level: IPPROTO_TCP, number: 4, bytes: 4, families: inet },
  { name: 'TCP_KEEPINTVL', level: IPPROTO_TCP, number: 5, bytes: 4, families: inet },
  { name: 'TCP_KEEPCNT', level: IPPROTO_TCP, number: 6, bytes: 4, families: inet },
  { name: 'TCP_SYNCNT', level: IPPROTO_TCP, number: 7, bytes: 4, families: inet },
  { name: 'TCP_LINGER2', level: IPPROTO_TCP, number: 8, bytes: 4, families: inet },
  { name: 'TCP_DEFER_ACCEPT', level: IPPROTO_TCP, number: 9, bytes: 4, families: inet },
  { name: 'TCP_WINDOW_CLAMP', level: IPPROTO_TCP, number: 10, bytes: 4, families: inet },
  { name: 'TCP_CONGESTION', level: IPPROTO_TCP, number: 13, bytes: 16, families: inet },
  { name: 'TCP_THIN_LINEAR_TIMEOUTS', level: IPPROTO_TCP, number: 16, bytes: 4, families: inet },
  { name: 'TCP_USER_TIMEOUT', level: IPPROTO_TCP, number: 18, bytes: 4, families: inet },
  { name: 'TCP_FASTOPEN', level: IPPROTO_TCP, number: 23, bytes: 4, families: inet },
  { name: 'TCP_NOTSENT_LOWAT', level: IPPROTO_TCP, number: 25, bytes: 4, families: inet },
  { name: 'TCP_FASTOPEN_NO_COOKIE', level: IPPROTO_TCP, number: 34, bytes: 4, families: inet },
  { name: 'TCP_SAVE_SYN', level: IPPROTO_TCP, number: 27, bytes: 4, families: inet },
  { name: 'TCP_INQ', level: IPPROTO_TCP, number: 36, bytes: 4, families: inet },
  { name: 'TCP_TX_DELAY', level: IPPROTO_TCP, number: 37, bytes: 4, families: inet },
  { name: 'TCP_RTO_MAX_MS', level: IPPROTO_TCP, number: 44, bytes: 4, families: inet },
  { name: 'TCP_RTO_MIN_US', level: IPPROTO_TCP, number: 45, bytes: 4, families: inet },
  { name: 'TCP_DELACK_MAX_US', level: IPPROTO_TCP, number: 46, bytes: 4, families: inet },
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
  return { inode: listener.inode, backlog: queueOf(listener)?.backlog ?? BACKLOG_DEFAULT, statusFlags: getStatusFlags(listener.fd), options: values };
}

/**
 * Puts the socket back as the unit made it, as far as it can be: {@link differences} tells what is left.
 *
 * @returns the names of what was different; `shutdown` means that the socket did not listen any more
 */
export function restoreBaseline(listener: Listener, baseline: Baseline): string[] {
  const changed: string[] = [];
  if (hasFilter(listener.fd)) {
    tried(() => clearFilter(listener.fd));
    changed.push('filter');
  }
  for (const option of optionsOf(listener)) {
    const wanted = baseline.options[option.name];
    const found = readOption(listener.fd, option)?.toString('hex');
    if (wanted === undefined || found === wanted) continue;
    changed.push(option.name);
    tried(() => writeOption(listener.fd, option, Buffer.from(wanted, 'hex')));
  }
  if (getStatusFlags(listener.fd) !== baseline.statusFlags) {
    changed.push('flags');
    setStatusFlags(listener.fd, baseline.statusFlags);
  }
  if (!listens(listener) || isMarked(listener)) {
    changed.push('shutdown');
    tried(() => (listener.family === 'unix' ? listenSocket(listener.fd, baseline.backlog) : listenAgain(listener, baseline.backlog)));
  } else if (queueOf(listener)?.backlog !== baseline.backlog) {
    changed.push('backlog');
    tried(() => listenSocket(listener.fd, baseline.backlog));
  }
  return changed;
}

/** Names of what is not as the baseline says; empty is the invariant that holds for every dormant site. */
export function differences(listener: Listener, baseline: Baseline): string[] {
  const now = captureBaseline(listener);
  const names = optionsOf(listener).map((option) => option.name).filter((name) => now.options[name] !== baseline.options[name]);
  if (hasFilter(listener.fd)) names.push('filter');
  if (now.statusFlags !== baseline.statusFlags) names.push('flags');
  if (!listens(listener) || isMarked(listener)) names.push('shutdown');
  else if (now.backlog !== baseline.backlog) names.push('backlog');
  return names;
}

/** Whether clients can connect. A UNIX socket that was shut down still says that it listens, and refuses everybody. */
export function listens(listener: Listener): boolean {
  if (socketKind(listener.fd)?.listening !== true) return false;
  return listener.family !== 'unix' || (eventsNow(listener.fd, POLLRDHUP) & (POLLHUP | POLLRDHUP)) === 0;
}

/** Connections that wait to be accepted, and the backlog; null where the socket does not listen. */
export function queueOf(listener: Listener): { waiting: number; backlog: number } | null {
  if (listener.family === 'unix') {
    const found = unixSockets(null).find((socket) => socket.listening && socket.inode === listener.inode);
    return found ? { waiting: found.receiveQueue, backlog: found.sendQueue } : null;
  }
  // tcp_info of a listening socket has its queue as tcpi_unacked and tcpi_sacked: 2 µs, where sock_diag takes 600.
  const info = getOption(listener.fd, IPPROTO_TCP, TCP_INFO, 32);
  return info.readUInt8(0) === TCP_LISTEN ? { waiting: info.readUInt32LE(24), backlog: info.readUInt32LE(28) } : null;
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

function writeOption(fd: number, option: Option, wanted: Buffer): void {
  const { level, number, doubledBy, unset } = option;
  // Extension headers: nothing takes them away.
  if (wanted.length < 4) return setOption(fd, level, number, wanted);
  const value = wanted.readInt32LE();
  const bytes = Buffer.from(wanted);
  if (unset?.found === value) bytes.writeInt32LE(unset.written);
  if (doubledBy === undefined) return setOption(fd, level, number, bytes);
  bytes.writeInt32LE(value >> 1);
  try {
    setOption(fd, level, doubledBy, bytes);
  } catch (error) {
    // Without CAP_NET_ADMIN only up to net.core.rmem_max and wmem_max.
    if (!isErrno(error, 'EPERM')) throw error;
    setOption(fd, level, number, bytes);
  }
}

/** One thing that cannot be put back must not keep the others from it. */
function tried(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}
