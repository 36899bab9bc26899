/** Numbers of the kernel's interface that differ between machines, and those used in more than one file. */
import { WakesockError } from '../base/errors.ts';

interface Machine {
  /** System call numbers as seccomp reports them. */
  readonly bind: number;
  readonly listen: number;
  readonly shutdown: number;
  readonly tgkill: number;
  readonly rtSigtimedwait: number;
  /** `struct epoll_event` is packed on x86-64 only. */
  readonly epollEventBytes: number;
  readonly epollDataOffset: number;
}

const machines: Partial<Record<NodeJS.Architecture, Machine>> = {
  x64: { bind: 49, listen: 50, shutdown: 48, tgkill: 234, rtSigtimedwait: 128, epollEventBytes: 12, epollDataOffset: 4 },
  arm64: { bind: 200, listen: 201, shutdown: 210, tgkill: 131, rtSigtimedwait: 137, epollEventBytes: 16, epollDataOffset: 8 },
};

export function machine(): Machine {
  const found = machines[process.arch];
  if (!found) throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `Expected an x64 or arm64 machine, found ${process.arch}`);
  return found;
}

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_NETLINK = 16;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const AT_FDCWD = -100;
export const O_PATH = 0o10000000;
export const IPPROTO_TCP = 6;
export const IPPROTO_MPTCP = 262;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_RCVBUF = 8;
export const SO_ATTACH_FILTER = 26;
export const SO_DETACH_FILTER = 27;
export const SO_ACCEPTCONN = 30;
export const SO_PROTOCOL = 38;
export const SO_DOMAIN = 39;

export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x40000000;
