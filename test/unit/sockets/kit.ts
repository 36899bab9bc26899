/** What tests of sockets share: listeners on free addresses, clients, and another process that holds one of our descriptors. */
import { randomInt } from 'node:crypto';
import { fstatSync, mkdtempSync, rmSync } from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { onTestFinished } from 'vitest';
import { closeFd, isErrno } from '../../../src/linux/libc.ts';
import { openListener, type Listener } from '../../../src/sockets/listener.ts';
import { Poller } from '../../../src/sockets/poller.ts';

export function temporaryDirectory(): string {
  const directory = mkdtempSync(`${tmpdir()}/wakesock-test-`);
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Listens on a free port or path, until the test is over. */
export function listening(family: Listener['family'] = 'ipv4', directory?: string): Listener {
  const listener = family === 'unix' ? openListener({ family, path: `${directory ?? temporaryDirectory()}/socket` }) : onFreePort(family);
  closedAfterTest(listener.fd);
  return listener;
}

/**
 * A number, as a socket unit has: one that was bound to port 0 loses its port in shutdown(2). Below those that the kernel
 * gives to clients, so that nobody else's connection is taken for one of ours.
 */
function onFreePort(family: 'ipv4' | 'ipv6'): Listener {
  for (;;) {
    try {
      return openListener({ family, address: family === 'ipv4' ? '127.0.0.1' : '::', port: randomInt(10_000, 32_000) });
    } catch (error) {
      if (!isErrno((error as Error).cause, 'EADDRINUSE')) throw error;
    }
  }
}

/** Closed by the test itself it may be another's number by then: it is looked at first. */
export function closedAfterTest(fd: number): number {
  const inode = inodeOf(fd);
  onTestFinished(() => {
    if (inode !== null && inodeOf(fd) === inode) closeFd(fd);
  });
  return fd;
}

function inodeOf(fd: number): number | null {
  try {
    return fstatSync(fd).ino;
  } catch {
    return null;
  }
}

/** A client that begins to connect. Errors are told to whoever waits for an event. */
export function client(listener: Listener): Socket {
  const { address } = listener;
  if (address.family === 'other') throw new TypeError('no address');
  const socket = address.family === 'unix'
    ? connect({ path: address.path })
    : connect({ port: address.port, host: '127.0.0.1' });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

export async function connected(listener: Listener): Promise<Socket> {
  const socket = client(listener);
  await once(socket, 'connect');
  return socket;
}

let ofThisTest: Poller | null = null;

/** The one poller of a test (each takes a thread of libuv's four); the test fails when a handler throws, unless it says otherwise. */
export function testPoller(onError?: (error: unknown) => void): Poller {
  if (ofThisTest) return ofThisTest;
  const errors: unknown[] = [];
  const poller = new Poller(onError ?? ((error) => errors.push(error)));
  ofThisTest = poller;
  onTestFinished(() => {
    ofThisTest = null;
    poller.stop();
    if (errors.length > 0) throw errors[0];
  });
  return poller;
}

/** Python with our descriptors from 3 on: it holds the same open file descriptions as we do. */
export function python(code: string, fds: readonly number[] = []): ChildProcess & { stdin: NodeJS.WritableStream; stdout: NodeJS.ReadableStream } {
  const child = spawn('python3', ['-c', code], { stdio: ['pipe', 'pipe', 'inherit', ...fds] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  if (!child.stdin || !child.stdout) throw new TypeError('no pipes');
  return Object.assign(child, { stdin: child.stdin, stdout: child.stdout });
}

/** Runs to the end; fails unless it exits 0. */
export async function pythonDone(code: string, fds: readonly number[] = []): Promise<void> {
  const child = python(code, fds);
  child.stdin.end();
  child.stdout.resume();
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`python3 exited with ${status}`);
}

/** A promise that somebody else resolves. */
export function deferred<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  const made: { resolve?: (value: T) => void } = {};
  const promise = new Promise<T>((resolve) => {
    made.resolve = resolve;
  });
  return { promise, resolve: (value) => made.resolve?.(value) };
}

/** Resolves with the next line that the child prints; what comes after it is left to be read. */
export async function line({ stdout }: { readonly stdout: NodeJS.ReadableStream }): Promise<string> {
  for (let said = ''; ;) {
    const character = stdout.read(1) as Buffer | null;
    if (character === null) await once(stdout, 'readable');
    else if (character[0] === 0x0a) return said;
    else said += character.toString('latin1');
  }
}
