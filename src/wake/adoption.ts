/**
 * Giving an unmodified program the site's listening socket: its `bind` and `listen` wait for us (seccomp_unotify(2)).
 *
 * At `bind` to the site's port the program's own socket is replaced by ours under the same number; `listen` on ours is
 * answered without being executed, so the backlog stays as the socket unit made it. For a UNIX path the program's own
 * `bind` is executed, since programs chmod and chown what they bound, and the socket is replaced at `listen`.
 */
import { readFileSync, readlinkSync, openSync, readSync, closeSync } from 'node:fs';
import { constants } from 'node:os';
import { AF_INET, AF_INET6, AF_UNIX, IPPROTO_MPTCP, IPPROTO_TCP, O_CLOEXEC, O_NONBLOCK, SOCK_STREAM, machine } from '../linux/constants.ts';
import { getStatusFlags, readableNow, setStatusFlags } from '../linux/fd.ts';
import { closeFd, isErrno } from '../linux/libc.ts';
import { pidfdGetFd, pidfdOpen } from '../linux/pidfd.ts';
import { answerNotification, installFd, notificationValid, receiveNotification, type NotificationAnswer, type SeccompNotification } from '../linux/seccomp.ts';
import { decodeAddress, socketAddress, socketKind, type SocketKind } from '../linux/socket.ts';
import { WakesockError } from '../base/errors.ts';
import type { ProgramPort } from '../base/site.ts';
import type { Listener } from '../sockets/listener.ts';
import { epollRegistrations, type EpollRegistration } from './epoll-registrations.ts';

/** What the program binds, and the socket it is given for it. */
export interface Pairing {
  readonly port: ProgramPort;
  readonly listener: Listener;
}

export interface AdoptionEvents {
  /** The program is about to be given this socket, in the blocking mode that it expects. */
  giving(listener: Listener): void;
  /** The program is about to listen on this socket; it does not say so again to another activator. May come again. */
  willListen(listener: Listener): void;
  /** It has been told that it listens. */
  listening(listener: Listener): void;
  /** The program can never serve this site. */
  failed(error: WakesockError): void;
  /** The program tried to shut our socket down; it was not let through. */
  shutdownRefused(): void;
  /** Adds our socket to epoll sets that knew the program's own one. */
  mendEpoll(registrations: readonly EpollRegistration[], listener: Listener): Promise<void>;
}

interface Decision {
  readonly answer: NotificationAnswer;
  /** The program listens on it from then on. */
  readonly listening?: Listener;
}

const CONTINUE: Decision = { answer: { kind: 'continue' } };
const SUCCESS: Decision = { answer: { kind: 'return', value: 0 } };
/** `sizeof(struct sockaddr_storage)`: bind(2) takes no more. */
const ADDRESS_BYTES_MAX = 128;
const SHUT_WR = 1;

export class Adoption {
  readonly #fd: number;
  readonly #listeners: () => readonly Listener[];
  readonly #pairings: () => readonly Pairing[];
  readonly #events: AdoptionEvents;

  /**
   * @param fd the notify descriptor; it stays the caller's
   * @param listeners all sockets of the site, those of a program that was handed them too
   */
  constructor(fd: number, listeners: () => readonly Listener[], pairings: () => readonly Pairing[], events: AdoptionEvents) {
    this.#fd = fd;
    this.#listeners = listeners;
    this.#pairings = pairings;
    this.#events = events;
  }

  /** Answers one waiting call, if there is one. Call it when the descriptor is readable. */
  async answerOne(): Promise<void> {
    // Receiving would block if the caller was interrupted since it was announced.
    if (readableNow([this.#fd]).length === 0) return;
    const notification = receiveNotification(this.#fd);
    if (notification === null) return;
    let decision: Decision | null;
    try {
      decision = await this.#decide(notification);
    } catch (error) {
      // The process went away while we looked at it, or something is wrong that only its program can act upon.
      if (!notificationValid(this.#fd, notification.id)) return;
      this.#events.failed(error instanceof WakesockError ? error : adoptError(`looking at the program failed: ${(error as Error).message}`));
      decision = { answer: { kind: 'error', errno: constants.errno.EADDRNOTAVAIL } };
    }
    if (decision === null) return;
    answerNotification(this.#fd, notification.id, decision.answer);
    // Behind the answer: the program goes on, and its client does not wait for what is left for us to do.
    if (decision.listening) this.#events.listening(decision.listening);
  }

  /** Null: the call does not wait any more. */
  async #decide(notification: SeccompNotification): Promise<Decision | null> {
    const { bind, listen, shutdown } = machine();
    const caller = new Caller(notification);
    if (notification.nr === bind) return this.#decideBind(notification, caller);
    if (notification.nr === listen) return this.#decideListen(notification, caller);
    if (notification.nr !== shutdown || Number(notification.args[1]) === SHUT_WR) return CONTINUE;
    if (!this.#ours(caller)) return CONTINUE;
    this.#events.shutdownRefused();
    return SUCCESS;
  }

  async #decideBind(notification: SeccompNotification, caller: Caller): Promise<Decision | null> {
    const length = Number(BigInt.asIntN(32, notification.args[2] ?? 0n));
    // bind itself says EINVAL.
    if (length < 0 || length > ADDRESS_BYTES_MAX) return CONTINUE;
    const address = decodeAddress(caller.memory(notification.args[1] ?? 0n, length));
    if (address.family !== 'ipv4' && address.family !== 'ipv6') return CONTINUE;
    const pairing = this.#pairings().find(({ port }) => port.kind === 'tcp' && port.port === address.port);
    if (!pairing) return CONTINUE;
    const kind = caller.socket((fd) => socketKind(fd));
    // The same port for UDP is the program's own business; bind itself names a descriptor that is no socket.
    if (kind === null || kind.type !== SOCK_STREAM) return CONTINUE;
    return this.#replace(notification, caller, kind, pairing.listener);
  }

  async #decideListen(notification: SeccompNotification, caller: Caller): Promise<Decision | null> {
    const ours = this.#ours(caller);
    if (ours) return this.#listens(ours);
    const bound = caller.socket((fd) => {
      const kind = socketKind(fd);
      return kind?.domain === AF_UNIX ? { kind, address: socketAddress(fd) } : null;
    });
    if (bound?.address.family !== 'unix') return CONTINUE;
    const path = bound.address.path;
    const pairing = this.#pairings().find(({ port }) => port.kind === 'unix' && port.path === path);
    if (!pairing) return CONTINUE;
    const decision = await this.#replace(notification, caller, bound.kind, pairing.listener);
    return decision && this.#listens(pairing.listener);
  }

  #listens(listener: Listener): Decision {
    this.#events.willListen(listener);
    return { ...SUCCESS, listening: listener };
  }

  async #replace(notification: SeccompNotification, caller: Caller, kind: SocketKind, listener: Listener): Promise<Decision | null> {
    // Given by an activator that died before it answered: all that is missing is the answer.
    if (caller.inode() === listener.inode) return SUCCESS;
    const mismatch = misfit(kind, listener);
    if (mismatch) throw new WakesockError('ERR_WAKESOCK_ADOPT_FAMILY', mismatch);
    const flags = caller.flags();
    const registrations = epollRegistrations(caller.processId, caller.fd);
    try {
      if (!notificationValid(this.#fd, notification.id)) return null;
      if (registrations.length > 0) {
        // First: once the program's own socket has been replaced, nothing tells any more where it was registered.
        await this.#events.mendEpoll(registrations, listener);
        // The program may be gone, and the socket put back for the next one.
        if (!notificationValid(this.#fd, notification.id)) return null;
      }
      // Blocking mode belongs to the open file description: a program that expects the other one spins or hangs.
      setStatusFlags(listener.fd, (getStatusFlags(listener.fd) & ~O_NONBLOCK) | (flags & O_NONBLOCK));
      this.#events.giving(listener);
      const closeOnExec = (flags & O_CLOEXEC) !== 0;
      if (!installFd(this.#fd, notification.id, listener.fd, caller.fd, closeOnExec)) return null;
    } finally {
      for (const registration of registrations) closeFd(registration.epoll);
    }
    return SUCCESS;
  }

  #ours(caller: Caller): Listener | null {
    const inode = caller.inode();
    return this.#listeners().find((listener) => listener.inode === inode) ?? null;
  }
}

/** The thread that waits, seen through /proc. Everything read is only good while the notification is valid. */
class Caller {
  readonly fd: number;
  readonly #tid: number;
  #processId: number | null = null;

  constructor(notification: SeccompNotification) {
    this.#tid = notification.tid;
    this.fd = Number(BigInt.asIntN(32, notification.args[0] ?? -1n));
  }

  /** Descriptors belong to the process, pidfd_open(2) wants its first thread. */
  get processId(): number {
    this.#processId ??= Number(/^Tgid:\s*(\d+)$/m.exec(readFileSync(`/proc/${this.#tid}/status`, 'utf8'))?.[1]);
    return this.#processId;
  }

  memory(address: bigint, length: number): Buffer {
    const fd = openSync(`/proc/${this.#tid}/mem`, 'r');
    try {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, address));
    } catch (error) {
      // An address that is not there: bind itself says EFAULT.
      if (isErrno(error, 'EIO') || isErrno(error, 'EFAULT')) return Buffer.alloc(0);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  inode(): number | null {
    try {
      return Number(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${this.#tid}/fd/${this.fd}`))?.[1] ?? Number.NaN);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return null;
      throw error;
    }
  }

  /** Status flags and O_CLOEXEC of the program's descriptor. */
  flags(): number {
    return Number.parseInt(/^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/${this.#tid}/fdinfo/${this.fd}`, 'utf8'))?.[1] ?? '0', 8);
  }

  socket<T>(look: (fd: number) => T | null): T | null {
    const pidfd = pidfdOpen(this.processId);
    if (pidfd === null) return null;
    try {
      const copy = pidfdGetFd(pidfd, this.fd);
      if (copy === null) return null;
      try {
        return look(copy);
      } finally {
        closeFd(copy);
      }
    } finally {
      closeFd(pidfd);
    }
  }
}

const familyNames: Record<number, string> = { [AF_UNIX]: 'a UNIX', [AF_INET]: 'an IPv4', [AF_INET6]: 'an IPv6' };

/** Null where the program can use our socket in the place of its own; else what does not fit. */
function misfit(own: SocketKind, listener: Listener): string | null {
  const domain = { unix: AF_UNIX, ipv4: AF_INET, ipv6: AF_INET6 }[listener.family];
  const names = `The program opened ${familyNames[own.domain] ?? `a family ${own.domain}`} socket, and ListenStream=${listener.text} is ${familyNames[domain]} one`;
  if (own.type !== SOCK_STREAM) return `The program opened a socket of type ${own.type} for ${listener.text}, expected a stream socket`;
  if (domain === AF_UNIX || own.domain === AF_UNIX) return own.domain === domain ? null : names;
  if (own.protocol !== IPPROTO_TCP && own.protocol !== IPPROTO_MPTCP) return `The program opened a socket of protocol ${own.protocol} for ${listener.text}, expected TCP`;
  // An IPv6 program serves IPv4 clients correctly; an IPv4 program would read garbage as the address of an IPv6 client.
  if (own.domain === AF_INET && domain === AF_INET6) return `${names}: write ListenStream=0.0.0.0:PORT`;
  return null;
}

function adoptError(message: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_ADOPT', `The listening socket could not be handed over: ${message}`);
}
