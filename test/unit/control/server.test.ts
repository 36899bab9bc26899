import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { controlBodyBytesMax } from '../../../src/base/limits.ts';
import { BackoffError } from '../../../src/control/backend.ts';
import { controlClient } from '../../../src/control/client.ts';
import { serveControl } from '../../../src/control/server.ts';
import { AF_UNIX, SOCK_STREAM } from '../../../src/linux/constants.ts';
import { openSocket, bindSocket, listenSocket } from '../../../src/linux/socket.ts';
import { bundle } from '../bundle.ts';
import { FakeBackend, siteStatus } from './fake-backend.ts';
import { deferred, dial, readToEnd, readUntil, start, temporaryDirectory } from './fake.ts';

/** Sends one request as it stands and returns status line, headers and JSON. */
async function exchange(path: string, request: string) {
  const socket = await dial(path);
  socket.end(request);
  const [head = '', body = ''] = (await readToEnd(socket)).split('\r\n\r\n');
  const [statusLine = '', ...headers] = head.split('\r\n');
  return { status: Number(statusLine.split(' ')[1]), headers: headers.join('\n').toLowerCase(), json: body === '' ? null : JSON.parse(body) as unknown };
}

const ask = (method: string, target: string, headers = '', body = '') => `${method} ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`;
const failure = (code: string) => ({ error: { code, message: expect.any(String) as string } });

test('the list of sites is a status report, a site is its status', async () => {
  const { path } = await start();
  expect(await exchange(path, ask('GET', '/v1/sites'))).toMatchObject({
    status: 200, json: { activator: { state: 'running', pid: process.pid }, sites: [siteStatus()] },
  });
  expect(await exchange(path, ask('GET', '/v1/sites/blog?pretty'))).toMatchObject({ status: 200, json: siteStatus() });
  expect(await exchange(path, ask('GET', '/v1/sites/%62log'))).toMatchObject({ status: 200, json: siteStatus() });
  expect(await exchange(path, ask('HEAD', '/v1/sites/blog'))).toMatchObject({ status: 200, json: null });
});

test.each([
  ['GET', '/', 404, 'ERR_WAKESOCK_USAGE'],
  ['GET', '/v2/sites', 404, 'ERR_WAKESOCK_USAGE'],
  ['GET', '/v1/sites/blog/', 404, 'ERR_WAKESOCK_USAGE'],
  ['GET', '/v1/sites/blog/wake/now', 404, 'ERR_WAKESOCK_USAGE'],
  ['GET', '/v1/sites/', 400, 'ERR_WAKESOCK_SITE_NAME'],
  ['GET', '/v1/sites/..%2F..%2Fetc', 400, 'ERR_WAKESOCK_SITE_NAME'],
  ['GET', '/v1/sites/Blog', 400, 'ERR_WAKESOCK_SITE_NAME'],
  ['GET', `/v1/sites/${'a'.repeat(129)}`, 400, 'ERR_WAKESOCK_SITE_NAME'],
  ['GET', '/v1/sites/%zz', 400, 'ERR_WAKESOCK_USAGE'],
  ['GET', '/v1/sites/shop', 404, 'ERR_WAKESOCK_SITE_NOT_FOUND'],
  ['POST', '/v1/sites/shop/lease', 404, 'ERR_WAKESOCK_SITE_NOT_FOUND'],
  ['GET', '/metrics', 404, 'ERR_WAKESOCK_NOT_SUPPORTED'],
  ['DELETE', '/v1/sites/blog', 405, 'ERR_WAKESOCK_USAGE'],
  ['POST', '/v1/sites', 405, 'ERR_WAKESOCK_USAGE'],
  ['GET', '/v1/sites/blog/wake', 405, 'ERR_WAKESOCK_USAGE'],
])('%s %s is refused with %i %s', async (method, target, status, code) => {
  const { path, backend } = await start();
  expect(await exchange(path, ask(method, target))).toMatchObject({ status, json: failure(code) });
  expect(backend.calls).toEqual([]);
});

test('a refused method names those that are allowed', async () => {
  const { path } = await start();
  expect((await exchange(path, ask('GET', '/v1/sites/blog/wake'))).headers).toContain('allow: post');
  expect((await exchange(path, ask('PUT', '/v1/sites'))).headers).toContain('allow: get, head');
});

test('who asks is told to the backend', async () => {
  const { path, backend } = await start();
  await exchange(path, ask('POST', '/v1/sites/blog/wake'));
  await exchange(path, ask('POST', '/v1/sites/blog/wake', 'Wakesock-By: front/10.0.0.1\r\n'));
  expect(backend.calls).toEqual(['wake blog by control', 'wake blog by front/10.0.0.1']);
  expect(await exchange(path, ask('POST', '/v1/sites/blog/wake', `Wakesock-By: ${'x'.repeat(65)}\r\n`)))
    .toMatchObject({ status: 400, json: failure('ERR_WAKESOCK_USAGE') });
});

test('what failed is not held against a site any more', async () => {
  const { path, backend } = await start();
  expect(await exchange(path, ask('POST', '/v1/sites/blog/reset-failed'))).toMatchObject({ status: 200, json: siteStatus() });
  expect(backend.calls).toEqual(['reset blog']);
});

test('a back-off says when to come again', async () => {
  const { path, backend } = await start();
  backend.wakeResult = async () => { throw new BackoffError('blog failed a moment ago', 3_200); };
  const { status, headers, json } = await exchange(path, ask('POST', '/v1/sites/blog/wake'));
  expect({ status, json }).toMatchObject({ status: 503, json: failure('ERR_WAKESOCK_BACKOFF') });
  expect(headers).toContain('retry-after: 4');
});

test('what is not a WakesockError is our bug', async () => {
  const { path, backend } = await start();
  backend.wakeResult = async () => { throw new TypeError('x is undefined'); };
  expect(await exchange(path, ask('POST', '/v1/sites/blog/wake'))).toMatchObject({ status: 500, json: failure('ERR_WAKESOCK_INTERNAL') });
});

test.each([
  ['{"force":true}', 200, ['sleep blog by force']],
  ['{"force":false,"later":1}', 200, ['sleep blog']],
  ['', 200, ['sleep blog']],
  ['{"force":1}', 400, []],
  ['[]', 400, []],
  ['{', 400, []],
])('sleep with the body %j: %i', async (body, status, calls) => {
  const { path, backend } = await start();
  expect((await exchange(path, ask('POST', '/v1/sites/blog/sleep', `Content-Length: ${body.length}\r\n`, body))).status).toBe(status);
  expect(backend.calls).toEqual(calls);
});

test('a body over the limit is refused before it is sent', async () => {
  const { path, backend } = await start();
  const socket = await dial(path);
  socket.write(ask('POST', '/v1/sites/blog/sleep', 'Content-Length: 100000000\r\n'));
  const answer = await readToEnd(socket);
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
  expect(answer).toContain('Connection: close');
  expect(backend.calls).toEqual([]);
});

test('a chunked body over the limit is refused while it is sent', async () => {
  const { path, backend } = await start();
  const socket = await dial(path);
  socket.write(ask('POST', '/v1/sites/blog/sleep', 'Transfer-Encoding: chunked\r\n'));
  socket.write(`${(controlBodyBytesMax + 1).toString(16)}\r\n${'x'.repeat(controlBodyBytesMax + 1)}\r\n`);
  expect(await readUntil(socket, 'ERR_WAKESOCK_LIMIT')).toMatch(/^HTTP\/1.1 413 /);
  expect(backend.calls).toEqual([]);
});

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['no Host', 'GET /v1/sites HTTP/1.1\r\n\r\n', 400],
  ['two lengths', ask('POST', '/v1/sites/blog/wake', 'Content-Length: 1\r\nContent-Length: 2\r\n', 'x'), 400],
  ['length and chunks', ask('POST', '/v1/sites/blog/wake', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['headers without end', ask('GET', '/v1/sites', `X: ${'x'.repeat(9_000)}\r\n`), 431],
])('%s is answered, and the connection ended', async (_, request, status) => {
  const { path, backend } = await start();
  const socket = await dial(path);
  socket.write(request);
  expect(await readToEnd(socket)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(backend.calls).toEqual([]);
});

test('pipelined requests are done and answered in order', async () => {
  const { path, backend } = await start();
  const wake = deferred<ReturnType<typeof siteStatus>>();
  backend.wakeResult = () => wake.promise;
  const socket = await dial(path);
  socket.end(ask('POST', '/v1/sites/blog/wake') + ask('POST', '/v1/sites/blog/sleep') + ask('GET', '/v1/sites/shop'));
  await new Promise((done) => { socket.once('end', done); backend.wakeResult = () => { done(null); return wake.promise; }; });
  expect(backend.calls).toEqual(['wake blog by control']);
  wake.resolve(siteStatus({ state: 'awake' }));
  const answers = await readToEnd(socket);
  expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404']);
  expect(backend.calls).toEqual(['wake blog by control', 'sleep blog']);
});

test('who asks without end and never reads is cut off, and counts no longer', async () => {
  const quiet = deferred<void>();
  const { path, backend, server } = await start({ onQuiet: quiet.resolve });
  backend.wakeResult = () => new Promise(() => {});
  const socket = await dial(path);
  socket.write(ask('POST', '/v1/sites/blog/wake').repeat(100));
  expect(await readToEnd(socket).catch(() => '')).toBe('');
  await quiet.promise;
  expect(server.busy).toBe(0);
  expect(backend.calls).toEqual([]);
});

test('garbage behind a good request does not take its answer away', async () => {
  const { path } = await start();
  const socket = await dial(path);
  socket.write(`${ask('GET', '/v1/sites/blog')}garbage\r\n\r\n`);
  expect((await readToEnd(socket)).match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
});

test('a client that closes its sending side is answered', async () => {
  const { path, backend } = await start();
  const wake = deferred<ReturnType<typeof siteStatus>>();
  const asked = new Promise<void>((done) => { backend.wakeResult = () => { done(); return wake.promise; }; });
  const socket = await dial(path);
  socket.end(ask('POST', '/v1/sites/blog/wake'));
  await asked;
  wake.resolve(siteStatus({ state: 'awake' }));
  expect(await readToEnd(socket)).toContain('"state":"awake"');
});

const lease = ask('POST', '/v1/sites/blog/lease');

test('a lease is one line and an open connection, and is released when it closes', async () => {
  const { path, backend, server } = await start();
  const socket = await dial(path);
  socket.write(lease);
  expect(await readUntil(socket, '}\n')).toMatch(/\r\n\{"family":"ipv4","address":"127.0.0.1:8081"\}\n/);
  expect(server.busy).toBe(1);
  expect(backend.leases).toEqual([{ released: 0 }]);
  const released = backend.released();
  socket.destroy();
  await released;
  expect(backend.leases).toEqual([{ released: 1 }]);
});

test.each([
  ['no object', '{"cause":"me"}'], ['a list', '{"cause":[]}'], ['no text', '{"cause":{"path":1}}'], ['a line of its own for the log', '{"cause":{"agent":"a\\nb"}}'],
  ['what a terminal understands', '{"cause":{"agent":"\\u001b[31m"}}'], ['other than ASCII', '{"cause":{"path":"é"}}'], ['too long', `{"cause":{"host":"${'a'.repeat(257)}"}}`],
])('a lease for a cause that is %s is refused', async (_, body) => {
  const { path, backend } = await start();
  expect(await exchange(path, ask('POST', '/v1/sites/blog/lease', `Content-Length: ${Buffer.byteLength(body)}\r\n`, body))).toMatchObject({ status: 400, json: failure('ERR_WAKESOCK_USAGE') });
  expect(backend.leases).toEqual([]);
});

test('what a cause lacks is empty, what nobody knows is passed over', async () => {
  const { path, backend } = await start();
  const body = '{"cause":{"client":"192.0.2.7","mood":"good"}}';
  const released = backend.released();
  const socket = await dial(path);
  socket.end(ask('POST', '/v1/sites/blog/lease', `Content-Length: ${body.length}\r\n`, body));
  await released;
  expect(backend.asked).toEqual([{ by: 'lease', cause: { at: '', client: '192.0.2.7', method: '', host: '', path: '', agent: '' } }]);
});

test('a lease whose holder stops sending is released', async () => {
  const { path, backend } = await start();
  const socket = await dial(path);
  socket.write(lease);
  await readUntil(socket, '}\n');
  const released = backend.released();
  socket.end();
  await released;
  expect(backend.leases).toEqual([{ released: 1 }]);
});

test('a lease asked for and left in one breath is released', async () => {
  const { path, backend, server } = await start();
  const released = backend.released();
  const socket = await dial(path);
  socket.end(lease);
  await released;
  await readToEnd(socket);
  expect(backend.leases).toEqual([{ released: 1 }]);
  expect(server.busy).toBe(0);
});

test('a lease of a killed process is released once', async () => {
  const { path, backend } = await start();
  const holder = spawn(process.execPath, ['-e', `
    const socket = require('node:net').connect(${JSON.stringify(path)}, () => socket.write(${JSON.stringify(lease)}));
    socket.pipe(process.stdout);
  `], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const released = backend.released();
  const exited = once(holder, 'exit');
  holder.kill('SIGKILL');
  await Promise.all([released, exited]);
  expect(backend.leases).toEqual([{ released: 1 }]);
});

test('a lease that ends with what serves the site is closed for its holder', async () => {
  const { path, backend } = await start();
  const end = deferred<void>();
  backend.revoked = end.promise;
  const held = await controlClient(path).lease('blog');
  end.resolve();
  expect(await held.ended).toBe('revoked');
  expect(backend.leases).toEqual([{ released: 1 }]);
});

test.each(['half', 'whole'])('a holder that is gone (%s) before its lease is granted does not keep it', async (how) => {
  const { path, backend, server } = await start();
  const granted = deferred<void>();
  const asked = new Promise<void>((done) => { backend.beforeLease = () => { done(); return granted.promise; }; });
  const released = backend.released();
  const socket = await dial(path);
  socket.write(lease);
  await asked;
  if (how === 'half') socket.end();
  else socket.destroy();
  // A connection of its own is served after what was sent before it.
  await controlClient(path).site('blog');
  granted.resolve();
  await released;
  expect(backend.leases).toEqual([{ released: 1 }]);
  await barrier(() => server.busy === 0);
});

test('a lease that is granted while the server closes is given back', async () => {
  const { path, backend, server } = await start();
  const granted = deferred<void>();
  const asked = new Promise<void>((done) => { backend.beforeLease = () => { done(); return granted.promise; }; });
  const holder = controlClient(path).lease('blog');
  await asked;
  const closed = server.close();
  granted.resolve();
  await expect(holder).rejects.toMatchObject({ code: 'ERR_WAKESOCK_NOT_RUNNING' });
  await closed;
  expect(backend.leases).toEqual([{ released: 1 }]);
});

test('nothing is answered behind a lease: the connection ends, and the lease with it', async () => {
  const { path, backend } = await start();
  const released = backend.released();
  const socket = await dial(path);
  socket.write(lease + ask('POST', '/v1/sites/blog/wake'));
  await released;
  expect(backend.leases).toEqual([{ released: 1 }]);
  expect(backend.calls).toEqual([]);
});

test('closing answers what was asked, ends leases and silent connections', async () => {
  const { path, backend, server } = await start();
  const wake = deferred<ReturnType<typeof siteStatus>>();
  const asked = new Promise<void>((done) => { backend.wakeResult = () => { done(); return wake.promise; }; });
  const [silent, half, holder, waker] = await Promise.all([dial(path), dial(path), dial(path), dial(path)]);
  half.write('POST /v1/sites/blog/wake HTTP/1.1\r\n');
  holder.write(lease);
  await readUntil(holder, '}\n');
  waker.write(ask('POST', '/v1/sites/blog/wake'));
  await asked;
  const closed = server.close();
  await Promise.all([once(holder, 'end'), once(silent.resume(), 'end'), once(half.resume(), 'end')]);
  expect(backend.leases).toEqual([{ released: 1 }]);
  wake.resolve(siteStatus({ state: 'awake' }));
  expect(await readToEnd(waker)).toMatch(/Connection: close[^]*"state":"awake"/);
  await closed;
  await expect(dial(path)).rejects.toThrow();
});

test('who waits to be accepted at a socket of our own when it closes is answered: nobody else ever would', async () => {
  const { path, server } = await start();
  // Connected by now, and accepted by nobody yet.
  const waiting = connect(path);
  waiting.write(ask('GET', '/v1/sites/blog'));
  const closed = server.close();
  expect(await readToEnd(waiting)).toMatch(/^HTTP\/1.1 200 [^]*Connection: close/);
  await closed;
  await expect(dial(path)).rejects.toThrow(expect.objectContaining({ code: 'ENOENT' }));
});

test('the socket is for owner and group; a stale one is replaced, a living one is not', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'control.sock');
  // A process that is killed leaves its socket file.
  const dead = spawn(process.execPath, ['-e', `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`]);
  await once(dead.stdout, 'data');
  const exited = once(dead, 'exit');
  dead.kill('SIGKILL');
  await exited;
  const server = await serveControl({ socket: 'control', listen: { path }, backend: new FakeBackend() });
  onTestFinished(() => server.close());
  expect((await stat(path)).mode & 0o777).toBe(0o660);
  await expect(serveControl({ socket: 'control', listen: { path }, backend: new FakeBackend() })).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SOCKET' });
  expect(await controlClient(path).site('blog')).toEqual(siteStatus());
});

test('a path that cannot be a socket is an error that names it', async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'file'), '');
  for (const path of [join(directory, 'file'), join(directory, 'none', 'control.sock')]) {
    await expect(serveControl({ socket: 'control', listen: { path }, backend: new FakeBackend() }))
      .rejects.toMatchObject({ code: 'ERR_WAKESOCK_SOCKET', message: expect.stringContaining(path) as string });
  }
});

test('an inherited descriptor is served, and its socket goes on when the server closes', async () => {
  const path = join(await temporaryDirectory(), 'control.sock');
  const program = await bundle('test/unit/control/serve-fd.ts');
  // Stands for systemd: it holds the socket and never accepts.
  const fd = openSocket(AF_UNIX, SOCK_STREAM);
  bindSocket(fd, { family: 'unix', path });
  listenSocket(fd, 8);
  onTestFinished(() => { closeSync(fd); });
  for (let round = 0; round < 2; round++) {
    const server = spawn(process.execPath, [program], { stdio: ['pipe', 'ignore', 'inherit', fd] });
    expect(await controlClient(path).site('blog')).toEqual(siteStatus());
    const exited = once(server, 'exit');
    server.stdin?.end();
    expect(await exited).toEqual([0, null]);
  }
});

async function barrier(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => { setImmediate(resolve); });
}
