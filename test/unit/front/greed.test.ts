/** What one client, or one program, can make the front door hold or do for it: no more than a little, whatever it sends and however little it takes. */
import { EventEmitter, once } from 'node:events';
import { Duplex } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { describeError } from '../../../src/base/errors.ts';
import { clientStallMsMax, connectionOptionsMax, headBytesMax } from '../../../src/base/limits.ts';
import { trimBlanks } from '../../../src/front/blanks.ts';
import { sharedFields } from '../../../src/front/fields.ts';
import { Refusal } from '../../../src/front/refusal.ts';
import { hostName, RequestHead } from '../../../src/front/request-head.ts';
import { get, ok, Scene, type Wire } from './scene.ts';

let scene: Scene;
const opened: Wire[] = [];

afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await scene.close();
});

/** A client that sends, and takes nothing until it is told. */
class Greedy extends Duplex {
  readonly #steps = new EventEmitter();
  written = 0;

  constructor() {
    super({ read() {}, write: (chunk: Buffer, _encoding, done) => {
      this.written += chunk.length;
      this.#steps.once('take', done);
    } });
  }

  takes(): void {
    this.#steps.emit('take');
  }
}

/** What had arrived until now has been worked on: whole exchanges of somebody else came after it. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const client = scene.client();
    client.send('GET /other HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
    await client.rest();
    client.socket.destroy();
  }
}

/** Answers each request with a kilobyte. @returns how many of `/greedy` it has read */
function counting(): { program: (wire: Wire) => void; served: () => number } {
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n${'x'.repeat(1024)}`;
  let served = 0;
  const program = (wire: Wire): void => {
    void (async () => {
      for (;;) {
        if ((await wire.take('\r\n\r\n')).startsWith('GET /greedy ')) served++;
        wire.send(answer);
      }
    })().catch(() => {});
  };
  return { program, served: () => served };
}

const greedyGet = 'GET /greedy HTTP/1.1\r\nHost: a.example\r\n\r\n';

test('a client that asks on and on, and takes no answer, is asked for no further, until it takes them', async () => {
  const { program, served } = counting();
  scene = await Scene.open(program);
  const greedy = new Greedy();
  scene.attach(greedy);
  greedy.push(greedyGet.repeat(100));
  await settled();
  await settled();
  const most = greedy.writableHighWaterMark / 1024 + 1;
  expect(served()).toBeGreaterThan(1);
  expect(served()).toBeLessThanOrEqual(most);
  while (served() < 100) {
    greedy.takes();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  greedy.destroy();
});

test('such a client is let go after a while; who ends its sending side gets what it asked for', async () => {
  const { program } = counting();
  scene = await Scene.open(program);
  const [greedy, ending] = [new Greedy(), new Greedy()];
  for (const client of [greedy, ending]) {
    scene.attach(client);
    client.push(greedyGet.repeat(20));
  }
  ending.push(null);
  await settled();
  const ended = once(ending, 'finish');
  const taking = setInterval(() => ending.takes(), 0);
  await ended;
  clearInterval(taking);
  expect(ending.written).toBeGreaterThan(20 * 1024);
  expect(greedy.destroyed).toBe(false);
  scene.sweep.pass(scene.sweep.nowMs + clientStallMsMax + 1);
  expect(greedy.destroyed).toBe(true);
  ending.destroy();
});

test('a program that says 100 and 103 without end is not read on for a client that takes nothing', async () => {
  scene = await Scene.open();
  const { client, program } = await scene.exchange(get);
  opened.push(client);
  client.socket.pause();
  program.socket.pause();
  let written = false;
  program.socket.write('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n'.repeat(400_000), () => { written = true; });
  for (let i = 0; i < 300; i++) await new Promise((resolve) => { setImmediate(resolve); });
  expect(written).toBe(false);
});

test('more requests than may wait for a site are in flight and answered: others are not turned away for that', async () => {
  scene = await Scene.open();
  scene.keys = { pendingMax: 2 };
  const upgrade = 'GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n';
  for (let i = 0; i < 4; i++) {
    const { client, program } = await scene.exchange(upgrade);
    program.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    await client.take('\r\n\r\n');
    opened.push(client);
  }
  // The activator is another now: whether the site is awake is asked anew.
  const again = new Promise<void>((resolve) => { scene.beforeLease = resolve; });
  scene.leases.at(-1)?.end();
  await again;
  const { client, program } = await scene.exchange(get);
  opened.push(client);
  program.send(ok);
  expect(await client.take('ok')).toMatch(/^HTTP\/1\.1 200 /);
});

test('blanks within a list, and labels of a host, are looked at once', () => {
  const room = ' '.repeat(headBytesMax - 300);
  // With the length squared it would be half a minute.
  expect(trimBlanks(` \ta${' '.repeat(200_000)}b\t `)).toBe(`a${' '.repeat(200_000)}b`);
  expect(['', ' ', '\t \t', 'a', 'a b'].map(trimBlanks)).toEqual(['', '', '', 'a', 'a b']);
  for (const field of [`Connection: a${room}b`, `Upgrade: a${room}b\r\nConnection: upgrade`]) {
    expect(new RequestHead().parse(Buffer.from(`GET / HTTP/1.1\r\nHost: a.example\r\n${field}\r\n\r\n`), 0, 0)).toBe(true);
  }
  expect(hostName(`${'a.'.repeat(126)}a.:65535`)).toBe(`${'a.'.repeat(126)}a`);
  expect(() => hostName(`${'a.'.repeat(130)}a`)).toThrow(Refusal);
});

function readNaming(...lists: readonly (readonly string[])[]): boolean {
  const lines = lists.map((names) => `Connection: ${names.join(',')}\r\n`).join('');
  return new RequestHead().parse(Buffer.from(`GET / HTTP/1.1\r\nHost: a.example\r\n${lines}n_1: x\r\n\r\n`), 0, 0);
}

test('what Connection names is looked through once, and there is no more of it than there may be fields', () => {
  const marked = vi.spyOn(sharedFields, 'markNamed');
  const names = Array.from({ length: connectionOptionsMax - 1 }, (_, i) => `n${i}`);
  expect(readNaming(names, ['other'])).toBe(true);
  expect(marked.mock.calls.map(([, all]) => all.size)).toEqual([connectionOptionsMax]);
  for (const more of [['other', 'more'], ['', '']]) expect(() => readNaming(names, more)).toThrow(expect.objectContaining({ status: 431 }) as Error);
  marked.mockRestore();
});

test('so many clients may be connected as leave descriptors for their requests, and the log says once that others are turned away', async () => {
  scene = await Scene.open(undefined, {}, undefined, 2);
  const [first, second] = [scene.client(), scene.client()];
  opened.push(first, second);
  while (scene.connections < 2) await new Promise((resolve) => { setImmediate(resolve); });
  for (let i = 0; i < 2; i++) {
    const other = scene.client();
    expect(await other.rest()).toBe('');
    other.socket.destroy();
  }
  expect(scene.problems.map((error) => describeError(error).code)).toEqual(['ERR_WAKESOCK_LIMIT']);
  first.socket.destroy();
  while (scene.connections > 1) await new Promise((resolve) => { setImmediate(resolve); });
  const { client, program } = await scene.exchange(get);
  opened.push(client);
  program.send(ok);
  await client.take('ok');
});
