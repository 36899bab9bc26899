/** A site with a socket of its own is woken by a connection to it, while its lease is asked for. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import { get, ok, Scene, Wire } from './scene.ts';

let scene: Scene;
const nothing = (): void => {};
const opened: Wire[] = [];
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await scene.close();
});

/** The lease is answered when the test says so. */
async function open(program?: (wire: Wire) => void): Promise<() => void> {
  scene = await Scene.open(program);
  scene.ownSocket = scene.programAddress;
  let grant = nothing;
  const granted = new Promise<void>((resolve) => { grant = resolve; });
  scene.beforeLease = () => granted;
  return grant;
}

function client(text: string): Wire {
  const wire = scene.client();
  opened.push(wire);
  wire.send(text);
  return wire;
}

test.each([['GET', get], ['POST', 'POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi']])('it is there before the lease is, and has the request (%s) once that names the same address', async (method, text) => {
  const grant = await open();
  const wire = client(text);
  const program = await scene.program();
  expect(scene.leases).toEqual([]);
  expect(program.text).toBe('');
  grant();
  expect(await program.take('\r\n\r\n')).toContain(`${method} / HTTP/1.1`);
  program.send(ok);
  expect(await wire.take('ok')).toContain('200 OK');
  expect(scene.accepted).toHaveLength(1);
});

test('is for one request: others have connections of their own', async () => {
  const grant = await open();
  client(get);
  const first = await scene.program();
  client(get);
  grant();
  await first.take('\r\n\r\n');
  const second = await scene.program();
  await second.take('\r\n\r\n');
  expect(first.text).toBe('');
});

test('where the file says another address than the lease nothing is sent there, and the request is where it should be', async () => {
  const grant = await open();
  const elsewhere = createServer();
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  scene.ownSocket = { family: 'ipv4', address: `127.0.0.1:${(elsewhere.address() as AddressInfo).port}` };
  const connected = once(elsewhere, 'connection');
  client(get);
  const other = new Wire((await connected)[0]);
  grant();
  expect(await (await scene.program()).take('\r\n\r\n')).toContain('GET / ');
  expect(await other.rest()).toBe('');
  elsewhere.close();
});

test('closed before the lease is had, as by an activator for a site that failed, it is not used', async () => {
  let closed = nothing;
  const isClosed = new Promise<void>((resolve) => { closed = resolve; });
  const grant = await open((wire) => {
    if (scene.accepted.length > 1) void wire.take('\r\n\r\n').then(() => wire.send(ok));
    else wire.socket.end(closed);
  });
  const wire = client(get);
  await isClosed;
  // The front door has heard of it, since it closes its own end.
  await scene.accepted[0]?.rest();
  grant();
  expect(await wire.take('ok')).toContain('200 OK');
  expect(scene.accepted).toHaveLength(2);
});

test('what a program says before it has the request is not lost', async () => {
  const grant = await open((wire) => wire.send(ok));
  const wire = client(get);
  while (scene.accepted.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
  for (let i = 0; i < 100; i++) await new Promise((resolve) => { setImmediate(resolve); });
  grant();
  expect(await wire.take('ok')).toContain('200 OK');
});

test('nobody listens there: the lease decides', async () => {
  const grant = await open();
  scene.ownSocket = { family: 'unix', address: '/nowhere/at/all.sock' };
  client(get);
  grant();
  expect(await (await scene.program()).take('\r\n\r\n')).toContain('GET / ');
});

test('a client that leaves before, and a lease that is refused, leave no connection', async () => {
  const grant = await open();
  const wire = client(get);
  const program = await scene.program();
  wire.socket.resetAndDestroy();
  expect(await program.rest()).toBe('');
  // Whose wake it was is told all the same.
  while (scene.causes.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
  grant();
  scene.beforeLease = () => { throw new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', 'x'); };
  expect(await client(get).rest()).toContain('502');
  await scene.noneLeft();
});
