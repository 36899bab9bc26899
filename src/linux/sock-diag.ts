/**
 * sock_diag(7): what the kernel knows of listening and connected sockets, without touching them.
 * Structures: linux/inet_diag.h, linux/unix_diag.h, linux/tcp.h.
 */
import { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, IPPROTO_TCP, SOCK_DGRAM, SOCK_NONBLOCK } from './constants.ts';
import { WakesockError } from '../base/errors.ts';
import { call, closeFd, isErrno } from './libc.ts';
import { decodeAddress, encodeAddress, openSocket, type SocketAddress } from './socket.ts';
import { setFilter, type FilterInstruction } from './filter.ts';

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST_DUMP = 0x301;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSG_HEADER_BYTES = 16;
const INET_MESSAGE_BYTES = 72;
const UNIX_MESSAGE_BYTES = 16;
const INET_DIAG_INFO = 2;
const INET_DIAG_SHUTDOWN = 8;
const UNIX_DIAG_NAME = 0;
const UNIX_DIAG_RQLEN = 4;
const UDIAG_SHOW_NAME_RQLEN = 0x11;

/** Bit numbers of TCP states in a request; TCP_NEW_SYN_RECV is how request sockets are asked for. */
const TCP_ESTABLISHED = 1;
const TCP_SYN_SENT = 2;
const TCP_SYN_RECV = 3;
const TCP_CLOSE_WAIT = 8;
const TCP_LISTEN = 10;
const TCP_STATES_MAX = 12;

export interface InetSocket {
  readonly state: 'listen' | 'half-open' | 'established' | 'closing';
  readonly localAddress: string;
  readonly localPort: number;
  readonly inode: number;
  /** Listening: connections that wait to be accepted. Otherwise: bytes that wait to be read. */
  readonly receiveQueue: number;
  /** Listening: the backlog. Otherwise: bytes not yet acknowledged. */
  readonly sendQueue: number;
  /** Milliseconds since data last came or went; both count from the handshake where there was none. Null unless connected. */
  readonly lastReceivedMs: number | null;
  readonly lastSentMs: number | null;
  /** One of its directions was shut down. Connections that a listening socket of this kind accepts are over before they begin. */
  readonly shutDown: boolean;
}

export interface UnixSocket {
  readonly listening: boolean;
  readonly inode: number;
  readonly name: string;
  readonly receiveQueue: number;
  /** Listening: the backlog. */
  readonly sendQueue: number;
}

/** All TCP sockets of a family with this local port, in every state but closed; or those that listen, which is quicker. */
export function inetSockets(family: 'ipv4' | 'ipv6', localPort: number, which: 'all' | 'listening' = 'all'): InetSocket[] {
  const request = Buffer.alloc(NLMSG_HEADER_BYTES + 56);
  request.writeUInt8(family === 'ipv4' ? AF_INET : AF_INET6, 16);
  request.writeUInt8(IPPROTO_TCP, 17);
  request.writeUInt8(1 << (INET_DIAG_INFO - 1), 18);
  request.writeUInt32LE(which === 'all' ? 0xffff : 1 << TCP_LISTEN, 20);
  request.writeUInt16BE(localPort, 24);
  return dump(request).map(decodeInet).filter((socket) => socket !== null);
}

/** All UNIX stream sockets that listen or are connected, under one of these names if any are given. */
export function unixSockets(names: ReadonlySet<string> | null): UnixSocket[] {
  const request = Buffer.alloc(NLMSG_HEADER_BYTES + 24);
  request.writeUInt8(AF_UNIX, 16);
  request.writeUInt32LE((1 << TCP_ESTABLISHED) | (1 << TCP_LISTEN), 20);
  request.writeUInt32LE(UDIAG_SHOW_NAME_RQLEN, 28);
  const sockets = dump(request).map(decodeUnix).filter((socket) => socket !== null);
  return names ? sockets.filter((socket) => names.has(socket.name)) : sockets;
}

/** A local address of TCP. */
export type LocalAddress = SocketAddress & { readonly family: 'ipv4' | 'ipv6' };

/**
 * A socket that hears of every TCP socket of this network namespace that is destroyed (SKNLGRP_INET_TCP_DESTROY and
 * its IPv6 sister), restricted to local addresses by {@link watchAddresses}. Needs CAP_NET_ADMIN.
 */
export function openDestroyedSockets(): number {
  const fd = openSocket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
  try {
    watchAddresses(fd, []);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(0b101, 8);
    call('bind', fd, address, address.length);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

const LOAD_BYTE = 0x30;
const LOAD_HALF = 0x28;
const LOAD_WORD = 0x20;
const SHIFT_LEFT = 0x64;
const OR_X = 0x4c;
const TO_X = 0x07;
const FROM_X = 0x87;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;
/** In the `inet_diag_msg` behind the netlink header. */
const OFFSET_FAMILY = NLMSG_HEADER_BYTES;
const OFFSET_LOCAL_PORT = NLMSG_HEADER_BYTES + 4;
const OFFSET_LOCAL_ADDRESS = NLMSG_HEADER_BYTES + 8;
const FAMILY_SHIFT = 16;

const instruction = (code: number, k = 0, jf = 0): FilterInstruction => ({ code, jt: 0, jf, k });
const ACCEPT = instruction(RETURN, 0xffff);

/**
 * The kernel drops what is not about these local addresses before it reaches our buffer. Where they are too many for a
 * filter (net.core.optmem_max, 4096 instructions) it drops nothing.
 */
export function watchAddresses(fd: number, addresses: readonly LocalAddress[]): void {
  try {
    setFilter(fd, [
      // Family and port as one number, kept in X.
      instruction(LOAD_BYTE, OFFSET_FAMILY), instruction(SHIFT_LEFT, FAMILY_SHIFT), instruction(TO_X),
      instruction(LOAD_HALF, OFFSET_LOCAL_PORT), instruction(OR_X), instruction(TO_X),
      ...addresses.flatMap(acceptWhere), instruction(RETURN),
    ]);
  } catch (error) {
    if (!isErrno(error, 'ENOMEM') && !isErrno(error, 'EINVAL')) throw error;
    hearAll(fd);
  }
}

/** Nothing is dropped. */
export function hearAll(fd: number): void {
  setFilter(fd, [ACCEPT]);
}

/** Begins and, where it does not accept, ends with X in A. */
function acceptWhere(address: LocalAddress): FilterInstruction[] {
  const bytes = encodeAddress(address);
  const [family, starts] = address.family === 'ipv4' ? [AF_INET, [4]] : [AF_INET6, [8, 12, 16, 20]];
  const words = starts.map((start) => bytes.readUInt32BE(start));
  // A wildcard is every address.
  const tests = words.every((word) => word === 0) ? [] : words.flatMap((word, index) => [
    instruction(LOAD_WORD, OFFSET_LOCAL_ADDRESS + index * 4), instruction(JUMP_EQUAL, word, 2 * (words.length - 1 - index) + 1),
  ]);
  const rest = tests.length === 0 ? [ACCEPT] : [...tests, ACCEPT, instruction(FROM_X)];
  return [instruction(JUMP_EQUAL, family << FAMILY_SHIFT | address.port, rest.length), ...rest];
}

/** Local addresses of the sockets destroyed since the last call; null where too many were to keep them all. */
export function readDestroyed(fd: number): LocalAddress[] | null {
  const found: LocalAddress[] = [];
  const buffer = Buffer.alloc(16 * 1024);
  for (;;) {
    let length: number;
    try {
      length = call('recv', fd, buffer, buffer.length, 0);
    } catch (error) {
      if (isErrno(error, 'EAGAIN')) return found;
      if (isErrno(error, 'ENOBUFS')) return null;
      throw error;
    }
    if (length < NLMSG_HEADER_BYTES + INET_MESSAGE_BYTES) continue;
    const local = decodeLocal(buffer.subarray(NLMSG_HEADER_BYTES));
    if (local.family === 'ipv4' || local.family === 'ipv6') found.push(local);
  }
}

function dump(request: Buffer): Buffer[] {
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  request.writeUInt16LE(NLM_F_REQUEST_DUMP, 6);
  const fd = openSocket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG);
  try {
    call('send', fd, request, request.length, 0);
    const messages: Buffer[] = [];
    // The kernel fills each answer while we receive it, so a blocking receive does not wait for anybody.
    for (;;) {
      const buffer = Buffer.alloc(32 * 1024);
      const length = call('recv', fd, buffer, buffer.length, 0);
      for (let at = 0; at + NLMSG_HEADER_BYTES <= length; ) {
        const size = buffer.readUInt32LE(at);
        const type = buffer.readUInt16LE(at + 4);
        if (type === NLMSG_DONE) return messages;
        if (type === NLMSG_ERROR) {
          throw new WakesockError('ERR_WAKESOCK_SYSCALL', `sock_diag: errno ${-buffer.readInt32LE(at + NLMSG_HEADER_BYTES)}`);
        }
        messages.push(buffer.subarray(at + NLMSG_HEADER_BYTES, at + size));
        at += Math.ceil(size / 4) * 4;
      }
    }
  } finally {
    closeFd(fd);
  }
}

function decodeInet(message: Buffer): InetSocket | null {
  const state = message.readUInt8(1);
  if (state === 0 || state > TCP_STATES_MAX) return null;
  const local = decodeLocal(message);
  const info = attribute(message, INET_MESSAGE_BYTES, INET_DIAG_INFO);
  const connected = stateName(state) === 'established' && info !== null && info.length >= 60;
  return {
    state: stateName(state),
    localAddress: local.family === 'ipv4' || local.family === 'ipv6' ? local.address : '',
    localPort: message.readUInt16BE(4),
    receiveQueue: message.readUInt32LE(56),
    sendQueue: message.readUInt32LE(60),
    inode: message.readUInt32LE(68),
    lastSentMs: connected ? info.readUInt32LE(44) : null,
    lastReceivedMs: connected ? info.readUInt32LE(52) : null,
    shutDown: (attribute(message, INET_MESSAGE_BYTES, INET_DIAG_SHUTDOWN)?.[0] ?? 0) !== 0,
  };
}

/** Of an `inet_diag_msg`. */
function decodeLocal(message: Buffer): SocketAddress {
  const family = message.readUInt8(0);
  const sockaddr = Buffer.alloc(28);
  sockaddr.writeUInt16LE(family, 0);
  message.copy(sockaddr, 2, 4, 6);
  message.copy(sockaddr, family === AF_INET ? 4 : 8, 8, family === AF_INET ? 12 : 24);
  return decodeAddress(sockaddr);
}

function stateName(state: number): InetSocket['state'] {
  if (state === TCP_LISTEN) return 'listen';
  // A client that has sent all it will send may still wait for its answer.
  if (state === TCP_ESTABLISHED || state === TCP_CLOSE_WAIT) return 'established';
  // The highest state is TCP_NEW_SYN_RECV; SYN_SENT cannot be ours, but would be half-open too.
  if (state === TCP_SYN_RECV || state === TCP_STATES_MAX || state === TCP_SYN_SENT) return 'half-open';
  return 'closing';
}

function decodeUnix(message: Buffer): UnixSocket | null {
  const name = attribute(message, UNIX_MESSAGE_BYTES, UNIX_DIAG_NAME);
  const queue = attribute(message, UNIX_MESSAGE_BYTES, UNIX_DIAG_RQLEN);
  if (!name || !queue) return null;
  const text = name[0] === 0 ? `@${name.subarray(1).toString()}` : name.toString().replace(/\0+$/, '');
  return {
    listening: message.readUInt8(2) === TCP_LISTEN,
    inode: message.readUInt32LE(4),
    name: text,
    receiveQueue: queue.readUInt32LE(0),
    sendQueue: queue.readUInt32LE(4),
  };
}

function attribute(message: Buffer, start: number, wanted: number): Buffer | null {
  for (let at = start; at + 4 <= message.length; ) {
    const length = message.readUInt16LE(at);
    if (length < 4) return null;
    if (message.readUInt16LE(at + 2) === wanted) return message.subarray(at + 4, at + length);
    at += Math.ceil(length / 4) * 4;
  }
  return null;
}
