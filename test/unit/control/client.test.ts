import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BackoffError } from '../../../src/control/backend.ts';
import { controlClient } from '../../../src/control/client.ts';
import { siteStatus } from './fake-backend.ts';
import { start, temporaryDirectory } from './fake.ts';

/** A server that does to each connection, by number from 0, what `talk` says. */
async function rogue(talk: (socket: Socket, index: number) => void): Promise<string> {
  const path = join(await temporaryDirectory(), 'control.sock');
  let count = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    const index = count++;
    socket.once('data', () => talk(socket, index));
  });
  await new Promise<void>((done) => { server.listen(path, done); });
  onTestFinished(() => { server.close(); });
  return path;
}

const answer = (status: string, body: string, length = body.length) => `HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\n\r\n${body}`;

test('every call reaches the backend and brings its answer', async () => {
  const { client, backend } = await start();
  expect(await client.report()).toEqual({ activator: { state: 'running', pid: process.pid }, sites: [siteStatus()] });
  expect(await client.site('blog')).toEqual(siteStatus());
  expect((await client.wake('blog', { by: 'cli' })).state).toBe('awake');
  expect((await client.sleep('blog')).state).toBe('dormant');
  expect((await client.sleep('blog', { force: true })).state).toBe('dormant');
  expect(backend.calls).toEqual(['wake blog by cli', 'sleep blog', 'sleep blog by force']);
});

test('errors come through with their code, and a back-off with its time', async () => {
  const { client, backend } = await start();
  await expect(client.site('shop')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SITE_NOT_FOUND' });
  await expect(client.wake('no such/site')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SITE_NAME' });
  await expect(client.lease('shop')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SITE_NOT_FOUND' });
  backend.wakeResult = async () => { throw new BackoffError('not yet', 2_000); };
  await expect(client.wake('blog')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_BACKOFF', retryAfterMs: 2_000 });
});

test('a lease holds until it is released', async () => {
  const { client, backend } = await start();
  const lease = await client.lease('blog');
  expect(lease.address).toEqual({ family: 'ipv4', address: '127.0.0.1:8081' });
  await expect(client.sleep('blog')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_BUSY' });
  const released = backend.released();
  lease.release();
  await Promise.all([released, lease.ended]);
  lease.release();
  expect(backend.leases).toEqual([{ released: 1 }]);
});

test('a lease says who asks and for whom, if it is said', async () => {
  const { client, backend } = await start();
  const cause = { at: '2026-05-04T11:56:58.100Z', client: '192.0.2.7', method: 'GET', host: 'blog.example', path: '/a', agent: 'curl/8' };
  for (const options of [{ by: 'front', cause }, { cause: null }, undefined]) (await client.lease('blog', options)).release();
  expect(backend.asked).toEqual([{ by: 'front', cause }, { by: 'lease', cause: null }, { by: 'lease', cause: null }]);
});

test('a lease that the activator ends is told', async () => {
  const { client, server } = await start();
  const lease = await client.lease('blog');
  await Promise.all([server.close(), lease.ended]);
});

test('nobody listens', async () => {
  const path = join(await temporaryDirectory(), 'control.sock');
  await expect(controlClient(path).report()).rejects.toMatchObject({ code: 'ERR_WAKESOCK_NOT_RUNNING', message: expect.stringContaining(path) as string });
});

test('an activator that ended before it answered is asked again, once', async () => {
  const path = await rogue((socket, index) => {
    if (index === 0) socket.destroy();
    else socket.end(answer('200 OK', JSON.stringify(siteStatus())));
  });
  expect(await controlClient(path).wake('blog')).toEqual(siteStatus());
  const dead = await rogue((socket) => socket.destroy());
  await expect(controlClient(dead).wake('blog')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_CONTROL' });
});

test.each([
  ['no HTTP', 'hello\r\n'],
  ['no JSON', answer('200 OK', 'hello')],
  ['no object', answer('200 OK', '1')],
  ['an error without code', answer('500 Oh', '{}')],
  ['a code that we do not know', answer('500 Oh', '{"error":{"code":"toString","message":"x"}}')],
  ['half an answer', answer('200 OK', '{"name":', 100)],
])('%s is ERR_WAKESOCK_CONTROL', async (_, text) => {
  const path = await rogue((socket) => socket.end(text));
  await expect(controlClient(path).site('blog')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_CONTROL' });
  await expect(controlClient(path).lease('blog')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_CONTROL' });
  await expect(controlClient(path).report()).rejects.toMatchObject({ code: 'ERR_WAKESOCK_CONTROL' });
});

test('an activator that says that it ends is passed over for the next one, once', async () => {
  const ending = answer('503 Service Unavailable', '{"error":{"code":"ERR_WAKESOCK_NOT_RUNNING","message":"The activator ends"}}');
  const next = controlClient(await rogue((socket, index) => socket.end(index === 0 ? ending : answer('200 OK', JSON.stringify(siteStatus())))));
  expect(await next.wake('blog')).toEqual(siteStatus());
  const lease = controlClient(await rogue((socket, index) => socket.end(index === 0 ? ending : answer('200 OK', '{"family":"ipv4","address":"127.0.0.1:8081"}\n'))));
  expect((await lease.lease('blog')).address).toEqual({ family: 'ipv4', address: '127.0.0.1:8081' });
  const always = controlClient(await rogue((socket) => socket.end(ending)));
  await expect(always.wake('blog')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_NOT_RUNNING', message: 'The activator ends' });
});

test('an activator that is stuck is given up after the time that is given', async () => {
  const path = await rogue(() => {});
  await expect(controlClient(path).report({ signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ code: 'ERR_WAKESOCK_CONTROL' });
});
