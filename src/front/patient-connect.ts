import { watch } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseAddress } from '../control/types.ts';
import { lent } from './lent.ts';

/** Between two tries, of what has been waited for so far: who waits for a second waits at most an eighth of one too long. */
const retryShare = 1 / 8;
const retryMsMin = 1;
const retryMsMax = 100;

/**
 * Nobody listens there yet: the program has not come to it, its container's network is not up, a path was not bound. `EACCES`: it
 * is bound, and not yet made accessible, as with chmod(2) before listen(2). `EAGAIN`: a UNIX socket whose backlog is full.
 */
const notYet = new Set(['EACCES', 'ECONNREFUSED', 'ENOENT', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EHOSTDOWN', 'EAGAIN', 'ECONNRESET', 'ETIMEDOUT']);

/**
 * Connects to a program that may not listen yet, with the very connection that is to be used: no probe disturbs it. That a UNIX
 * socket was bound is heard of (inotify). That somebody listens on a TCP port is announced by nothing that an unprivileged process may
 * hear, and in a container's own network namespace by nothing at all; so it is tried again, by one of those who wait, and the others follow.
 */
export class PatientConnect {
  readonly #address: LeaseAddress;
  #leader: Promise<void> | null = null;

  constructor(address: LeaseAddress) {
    this.#address = address;
  }

  /**
   * @param timeoutMs for how long nobody may listen there
   * @throws the last error of the system, or the signal's reason
   */
  async connect(signal: AbortSignal, timeoutMs: number): Promise<Socket> {
    const sinceMs = performance.now();
    for (;;) {
      try {
        return await connectOnce(this.#address, signal, sinceMs + timeoutMs);
      } catch (error) {
        if (!isNotYet(error) || performance.now() - sinceMs >= timeoutMs) throw error;
      }
      if (this.#leader !== null) {
        await Promise.race([this.#leader, whenAborted(signal)]);
        signal.throwIfAborted();
        continue;
      }
      const leading = this.#lead(signal, sinceMs, timeoutMs);
      this.#leader = leading.then(() => {}, () => {}).finally(() => { this.#leader = null; });
      return leading;
    }
  }

  async #lead(signal: AbortSignal, sinceMs: number, timeoutMs: number): Promise<Socket> {
    const bound = this.#address.family === 'unix' ? watchDirectory(dirname(this.#address.address)) : null;
    try {
      for (;;) {
        const waitedMs = performance.now() - sinceMs;
        await pause(Math.min(retryMsMax, Math.max(retryMsMin, waitedMs * retryShare)), signal, bound?.changed());
        try {
          return await connectOnce(this.#address, signal, sinceMs + timeoutMs);
        } catch (error) {
          if (!isNotYet(error) || performance.now() - sinceMs >= timeoutMs) throw error;
        }
      }
    } finally {
      bound?.close();
    }
  }
}

/**
 * Half-open allowed, without delay: as all connections of the front door. What its `data` brings is {@link lent}.
 */
export function connectTo(address: LeaseAddress): Socket {
  const socket: Socket = connect({ ...connectOptions(address), allowHalfOpen: true, noDelay: true, onread: { buffer: lent, callback: (length) => arrived(socket, length) } });
  return socket;
}

function arrived(socket: Socket, length: number): boolean {
  const bytes = lent.subarray(0, length);
  if (socket.readableFlowing !== true || socket.readableLength > 0) return socket.push(Buffer.from(bytes));
  socket.emit('data', bytes);
  return true;
}

/** @param untilMs when it is too late: who answers nothing at all, as a full backlog does, is tried by the kernel for two minutes */
function connectOnce(address: LeaseAddress, signal: AbortSignal, untilMs: number): Promise<Socket> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = connectTo(address);
    socket.setTimeout(Math.max(1, untilMs - performance.now()), () => socket.destroy(Object.assign(new Error(`connect ETIMEDOUT ${address.address}`), { code: 'ETIMEDOUT' })));
    const aborted = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', aborted);
    socket.on('error', (error) => {
      signal.removeEventListener('abort', aborted);
      reject(error);
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', aborted);
      if (isItself(socket)) {
        // With a FIN the port would be nobody's for a minute.
        socket.resetAndDestroy();
        reject(Object.assign(new Error(`connect ECONNREFUSED ${address.address}`), { code: 'ECONNREFUSED' }));
        return;
      }
      socket.setTimeout(0);
      // Nothing is read before somebody takes it.
      resolve(socket.pause());
    });
  });
}

/** Nobody listens on a port of those that the kernel gives to clients, and it has given us that one: TCP connects it to itself (RFC 9293 3.5). */
function isItself({ localAddress, localPort, remoteAddress, remotePort }: Socket): boolean {
  return localPort !== undefined && localPort === remotePort && localAddress === remoteAddress;
}

async function pause(ms: number, signal: AbortSignal, event: Promise<void> | undefined): Promise<void> {
  const timer = new AbortController();
  const over = delay(ms, undefined, { signal: AbortSignal.any([signal, timer.signal]) });
  over.catch(() => {});
  await (event === undefined ? over : Promise.race([over, event]));
  timer.abort();
}

/** Null where it cannot be watched, as when it is not there: then it is only looked at from time to time. */
function watchDirectory(directory: string): { changed: () => Promise<void>; close: () => void } | null {
  let tell: (() => void) | null = null;
  try {
    const watcher = watch(directory, { persistent: false }, () => tell?.());
    watcher.on('error', () => watcher.close());
    return { changed: () => new Promise((resolve) => { tell = resolve; }), close: () => watcher.close() };
  } catch {
    return null;
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
}

function isNotYet(error: unknown): boolean {
  return notYet.has((error as NodeJS.ErrnoException).code ?? '');
}

/** `127.0.0.1:8081`, `[::1]:8081`, `/run/site.sock` → what net.connect takes. */
export function connectOptions({ family, address }: LeaseAddress): { path: string } | { host: string; port: number } {
  if (family === 'unix') return { path: address };
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}
