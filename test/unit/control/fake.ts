import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { controlClient, type ControlClient } from '../../../src/control/client.ts';
import { serveControl, type ControlServer, type ControlServerOptions } from '../../../src/control/server.ts';
import { FakeBackend } from './fake-backend.ts';

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wakesock-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface Running { backend: FakeBackend; server: ControlServer; client: ControlClient; path: string }

export async function start(options: Partial<Pick<ControlServerOptions, 'socket' | 'limits' | 'onQuiet' | 'onProblem'>> = {}): Promise<Running> {
  const path = join(await temporaryDirectory(), 'control.sock');
  const backend = new FakeBackend();
  const server = await serveControl({ socket: 'control', listen: { path }, backend, ...options });
  onTestFinished(() => server.close());
  return { backend, server, client: controlClient(path), path };
}

/** A connection that speaks for itself. */
export async function dial(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  onTestFinished(() => { socket.destroy(); });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other side ends. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** Reads until `text` has come. */
export async function readUntil(socket: Socket, text: string): Promise<string> {
  let read = '';
  while (!read.includes(text)) {
    const [chunk] = await once(socket, 'data') as [Buffer];
    read += String(chunk);
  }
  return read;
}

/** A promise and what settles it. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  const settle: { resolve?: (value: T) => void } = {};
  const promise = new Promise<T>((resolve) => { settle.resolve = resolve; });
  return { promise, resolve: (value) => settle.resolve?.(value) };
}
