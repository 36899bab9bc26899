/** The socket of the front door, which may be anybody's by now: what it is refused, and how much it can make the activator hold. */
import { once } from 'node:events';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { leaseHeadBytesMax } from '../../../src/base/limits.ts';
import { socketLimits } from '../../../src/control/server.ts';
import { siteStatus } from './fake-backend.ts';
import { deferred, dial, readToEnd, readUntil, start } from './fake.ts';

const lease = 'POST /v1/sites/blog/lease HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';

test('leases and states are had there', async () => {
  const { client, backend } = await start({ socket: 'lease' });
  const cause = { at: '2026-05-04T11:56:58.100Z', client: '192.0.2.7', method: 'GET', host: 'blog.example', path: '/a', agent: 'curl/8' };
  const held = await client.lease('blog', { by: 'front', cause });
  expect(held.address).toEqual({ family: 'ipv4', address: '127.0.0.1:8081' });
  expect(backend.asked).toEqual([{ by: 'front', cause }]);
  const released = backend.released();
  held.release();
  await released;
  expect(await client.state('blog')).toEqual({ state: 'dormant', error: null });
});

test('a state tells why a site failed, and not the message, which speaks of files and programs', async () => {
  const { client, backend } = await start({ socket: 'lease' });
  backend.site = async () => siteStatus({ state: 'failed', error: { code: 'ERR_WAKESOCK_EXITED', message: '/srv/secret: not found', retryAt: '2026-05-04T11:57:00.000Z' } });
  expect(await client.state('blog')).toEqual({ state: 'failed', error: { code: 'ERR_WAKESOCK_EXITED', retryAt: '2026-05-04T11:57:00.000Z' } });
  await expect((await start({ socket: 'lease' })).client.state('shop')).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SITE_NOT_FOUND' });
});

test('nothing else is, by any call', async () => {
  const { client, backend } = await start({ socket: 'lease' });
  for (const call of [client.report(), client.site('blog'), client.wake('blog', { by: 'cli' }), client.sleep('blog'), client.sleep('blog', { force: true }), client.resetFailed('blog')]) {
    await expect(call).rejects.toMatchObject({ code: 'ERR_WAKESOCK_FORBIDDEN' });
  }
  expect(backend.calls).toEqual([]);
});

test('a body is not waited for by who is refused', async () => {
  const { path } = await start({ socket: 'lease' });
  const asked = request({ socketPath: path, method: 'POST', path: '/v1/sites/blog/sleep', headers: { 'Content-Length': 10 } });
  asked.on('error', () => {}).flushHeaders();
  const [answer] = await once(asked, 'response') as [{ statusCode: number; resume: () => void }];
  expect(answer.statusCode).toBe(403);
  answer.resume();
});

test('a connection asks once: behind an answer it is over, behind a question it is ended', async () => {
  const { path, backend } = await start({ socket: 'lease' });
  const answered = await dial(path);
  answered.write('GET /v1/sites/blog/state HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await readToEnd(answered)).toMatch(/Connection: close[^]*"dormant"/);
  const granted = deferred<void>();
  backend.beforeLease = () => granted.promise;
  const twice = await dial(path);
  twice.write(lease);
  twice.write(lease);
  expect(await readToEnd(twice)).toBe('');
  granted.resolve();
});

test('a head is short: it is kept for as long as the lease', async () => {
  const { path } = await start({ socket: 'lease' });
  const socket = await dial(path);
  socket.write(`POST /v1/sites/blog/lease HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(leaseHeadBytesMax)}\r\n\r\n`);
  expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 431 /);
});

test('of those that do not ask the one that has taken longest is closed; leases stay', async () => {
  const { path, backend } = await start({ socket: 'lease', limits: { ...socketLimits.lease, unaskedMax: 2 } });
  const holders = [];
  for (let number = 0; number < 4; number++) {
    const holder = await dial(path);
    holder.write(lease);
    await readUntil(holder, '}\n');
    holders.push(holder);
  }
  const [silent, half] = [await dial(path), await dial(path)];
  half.write('POST /v1/sites/blog/lease HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{');
  const third = await dial(path);
  expect(await readToEnd(silent)).toBe('');
  const fourth = await dial(path);
  expect(await readToEnd(half)).toBe('');
  for (const late of [third, fourth]) {
    late.write(lease);
    expect(await readUntil(late, '}\n')).toMatch(/^HTTP\/1\.1 200 /);
  }
  expect(backend.leases).toEqual(Array.from({ length: 6 }, () => ({ released: 0 })));
});

test('of more connections than there may be the next is turned away, which is said once', async () => {
  const said: string[] = [];
  const { path, backend } = await start({ socket: 'lease', limits: { ...socketLimits.lease, connectionsMax: 2 }, onProblem: ({ message }) => { said.push(message); } });
  const [first, second] = [await dial(path), await dial(path)];
  for (const holder of [first, second]) {
    holder.write(lease);
    await readUntil(holder, '}\n');
  }
  for (let number = 0; number < 3; number++) expect(await readToEnd(await dial(path)).catch(() => '')).toBe('');
  expect(said).toEqual(['More than 2 connections: who comes now is turned away']);
  const released = backend.released();
  first.destroy();
  await released;
  const next = await dial(path);
  next.write(lease);
  expect(await readUntil(next, '}\n')).toMatch(/^HTTP\/1\.1 200 /);
});

test('it leaves most descriptors to the sites', () => {
  const { connectionsMax, connectionsPerDescriptor } = socketLimits.lease;
  // LimitNOFILE= of wakesock.service allows all of them.
  expect(connectionsMax).toBeLessThanOrEqual(524_288 * connectionsPerDescriptor);
  expect(connectionsPerDescriptor).toBeLessThan(0.5);
});
