import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ask, httpProblem, type Question } from '../../../src/bench/ask.ts';

async function serve(answer: (socket: Socket) => void): Promise<Question> {
  const server: Server = createServer((socket) => { socket.on('error', () => {}); answer(socket); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => { server.close(); });
  return { address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, request: 'GET / HTTP/1.0\r\n\r\n', problem: httpProblem, timeoutMs: 10_000 };
}

test('an answer, once its connection has ended', async () => {
  let ended = false;
  const question = await serve((socket) => {
    socket.once('data', () => socket.write('HTTP/1.0 200 OK\r\n\r\n', () => setImmediate(() => {
      ended = true;
      socket.end();
    })));
  });
  expect(await ask(question)).toBeGreaterThan(0);
  expect(ended).toBe(true);
});

test('a server that does not close is left after a while', async () => {
  const question = await serve((socket) => { socket.once('data', () => socket.write('HTTP/1.1 404 Not Found\r\n\r\n')); });
  expect(await ask({ ...question, lingerMs: 1 })).toBeGreaterThan(0);
});

test.each([
  ['closes without an answer', (socket: Socket) => { socket.end(); }, /closed without an answer|ECONNRESET|EPIPE/],
  ['resets', (socket: Socket) => { socket.resetAndDestroy(); }, /closed without an answer|ECONNRESET|EPIPE/],
  ['answers 503', (socket: Socket) => { socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n'); }, /^answered 503$/],
  ['speaks another protocol', (socket: Socket) => { socket.end('-ERR unknown command\r\n'); }, /^answered something else than HTTP$/],
] as const)('a server that %s has failed', async (_, answer, message) => {
  await expect(ask(await serve(answer))).rejects.toThrow(message);
});

test('a server that says nothing has failed when the time is over', async () => {
  await expect(ask({ ...await serve(() => {}), timeoutMs: 20 })).rejects.toThrow('no answer within 20 ms');
});

test('nobody listens', async () => {
  const question = await serve(() => {});
  await expect(ask({ ...question, address: { path: '/nonexistent/socket' } })).rejects.toThrow('ENOENT');
});
