import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ActivatorControl, type ControlledSites } from '../../../src/activator/control.ts';
import { ExitPolicy } from '../../../src/activator/exit-policy.ts';
import type { Log } from '../../../src/base/log.ts';
import type { ControlListen } from '../../../src/control/listen.ts';
import type { ControlSocket } from '../../../src/control/route.ts';
import { duplicateFd } from '../../../src/linux/fd.ts';
import { deferred, listening } from '../sockets/kit.ts';

/** Only these: sockets go on as they do. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const IDLE_MS = 1;
const ask = 'GET /v1/sites HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const log = { error: (message: string) => { throw new Error(message); } } as unknown as Log;
const sites = { runners: new Map(), sleeping: { all: [] }, units: { runners: new Map() }, parts: {} } as unknown as ControlledSites;

/** A socket that the test holds, as systemd does, and an activator with nothing awake that has inherited it. */
function scene(socket: ControlSocket = 'control') {
  const listener = listening('unix');
  if (listener.address.family !== 'unix') throw new TypeError('no path');
  const { path } = listener.address;
  return {
    dial: (): Socket => {
      const socket = connect({ path });
      onTestFinished(() => { socket.destroy(); });
      return socket;
    },
    activator: async (others: object = {}) => {
      const fd = duplicateFd(listener.fd);
      const exit = new ExitPolicy(IDLE_MS, [fd], () => []);
      const control = new ActivatorControl(new Map([[socket, { fd }]]), { ...sites, ...others }, exit, log);
      exit.controlBusy = () => control.busy;
      let status: number | null = null;
      void exit.decided.then((decided) => { status = decided; });
      await control.serve();
      onTestFinished(() => control.close());
      return { exit, control, status: () => status };
    },
  };
}

async function answerOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** What was accepted before this one has been accepted by the time that it is answered. */
const someTurns = async (dial: () => Socket): Promise<void> => void await answerOf(dial().end(ask));

test.each([['control', 200], ['lease', 403]] as const)('who waits to be accepted at the %s socket when the time is over is answered, then it ends', async (at, answered) => {
  const { dial, activator } = scene(at);
  const { exit, status } = await activator();
  const decided = exit.decided;
  exit.reconsider();
  // In one turn of the event loop: it cannot have been accepted.
  const socket = dial().end(ask);
  vi.advanceTimersByTime(IDLE_MS);
  expect(await answerOf(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${answered} `));
  expect(status()).toBeNull();
  await vi.advanceTimersByTimeAsync(IDLE_MS);
  expect(await decided).toBe(0);
});

test('a socket that cannot be served is said, and does not keep it from serving the other', async () => {
  const listener = listening('unix');
  if (listener.address.family !== 'unix') throw new TypeError('no path');
  const said: unknown[] = [];
  const sockets = new Map<ControlSocket, ControlListen>([['control', { path: `/tmp/${'x'.repeat(200)}` }], ['lease', { fd: duplicateFd(listener.fd) }]]);
  const control = new ActivatorControl(sockets, sites, new ExitPolicy(IDLE_MS, [], () => []), { error: (...line: unknown[]) => { said.push(line); } } as unknown as Log);
  onTestFinished(() => control.close());
  await control.serve();
  expect(said).toEqual([['The control socket is not served', { code: 'ERR_WAKESOCK_LIMIT', message: expect.stringContaining('at most 107 bytes') as string }]]);
  expect(await answerOf(connect(listener.address.path).end(ask))).toMatch(/^HTTP\/1\.1 403 /);
});

test('who was accepted and has not asked yet is waited for', async () => {
  const { dial, activator } = scene();
  const { exit, status } = await activator();
  const socket = dial();
  await once(socket, 'connect');
  await someTurns(dial);
  exit.reconsider();
  await vi.advanceTimersByTimeAsync(100 * IDLE_MS);
  expect(status()).toBeNull();
  expect(await answerOf(socket.end(ask))).toMatch(/^HTTP\/1.1 200 /);
  await vi.advanceTimersByTimeAsync(IDLE_MS);
  expect(status()).toBe(0);
});

test('who was accepted and goes without asking keeps nobody', async () => {
  const { dial, activator } = scene();
  const { exit } = await activator();
  const socket = dial();
  await once(socket, 'connect');
  await someTurns(dial);
  const quiet = vi.spyOn(exit, 'reconsider');
  socket.destroy();
  await vi.waitUntil(() => quiet.mock.calls.length > 0);
  await vi.advanceTimersByTimeAsync(IDLE_MS);
  expect(await exit.decided).toBe(0);
});

test('who comes after it was decided is left to the next one', async () => {
  const { dial, activator } = scene();
  const first = await activator();
  first.exit.reconsider();
  await vi.advanceTimersByTimeAsync(IDLE_MS);
  expect(await first.exit.decided).toBe(0);
  const closed = first.control.close();
  const socket = dial().end(ask);
  await closed;
  await activator();
  expect(await answerOf(socket)).toMatch(/^HTTP\/1.1 200 /);
});

/** A client that was accepted and has not asked, of an activator that has been told to end since. */
async function acceptedAndToldToEnd() {
  const { dial, activator } = scene();
  const { control } = await activator();
  const socket = dial();
  await once(socket, 'connect');
  await someTurns(dial);
  const closed = control.close();
  await new Promise((resolve) => { setImmediate(() => setImmediate(() => setImmediate(resolve))); });
  return { socket, closed };
}

test('who was accepted before it was told to end, and asks then, is answered', async () => {
  const { socket, closed } = await acceptedAndToldToEnd();
  expect(await answerOf(socket.end(ask))).toMatch(/^HTTP\/1.1 200 /);
  await closed;
});

test('who says nothing does not keep one that was told to end', async () => {
  const { socket, closed } = await acceptedAndToldToEnd();
  vi.advanceTimersByTime(1_000);
  await closed;
  expect(await answerOf(socket)).toBe('');
});

test.each<[string, string]>([['a lease', 'lease'], ['a wake', 'wake']])('the first wake is over when %s has what it asked for, not when it was asked', async (_, verb) => {
  const { dial, activator } = scene();
  const [asked, awake] = [deferred(), deferred()];
  const runner = {
    lease: () => { asked.resolve(); return { address: { host: '127.0.0.1', port: 1 }, release: () => {} }; },
    wake: () => { asked.resolve(); return awake.promise; },
    nextWake: () => awake.promise, status: () => ({}),
  };
  const { control } = await activator({ runners: new Map([['blog', runner]]) });
  let over = false;
  void control.firstWake.then(() => { over = true; });
  // Nothing is woken by who only looks.
  await someTurns(dial);
  dial().write(`POST /v1/sites/blog/${verb} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await asked.promise;
  await someTurns(dial);
  expect(over).toBe(false);
  awake.resolve();
  await control.firstWake;
});

test('who is leased a site that has its socket for that only has it before anything else happens, which would take the socket away', async () => {
  const { dial, activator } = scene();
  let open = true;
  const runner = {
    lease: () => ({ address: open ? { family: 'tcp' } : { family: 'closed' }, release: () => {} }),
    nextWake: () => Promise.resolve(),
  };
  await activator({
    sleeping: { begin: () => undefined },
    // As LoopbackSites.closeQuiet does, whatever site it is that something happens to.
    loopback: { open: () => { queueMicrotask(() => { open = false; }); return runner; } },
  });
  const holder = dial();
  holder.write('POST /v1/sites/blog/lease HTTP/1.1\r\nHost: x\r\n\r\n');
  let said = '';
  for await (const chunk of holder) if ((said += String(chunk)).includes('}')) break;
  expect(said).toContain('{"family":"tcp"}');
});
