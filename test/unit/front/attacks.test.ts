/**
 * Attacks through the front door. What reaches the program is held against two kinds of readers: Node's llhttp, which must read the requests that the client meant, and
 * readers as sloppy as programs have been, which must agree where a body ends.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leaseHoldMs, upstreamIdleMsMax } from '../../../src/base/limits.ts';
import { accepted, acceptedAnswers, refused, refusedAnswers } from './attacks.ts';
import { llhttpRequests, llhttpResponse } from './llhttp.ts';
import { Scene, type Wire } from './scene.ts';
import { bodyAsReadBy, sloppyReaders } from './sloppy-readers.ts';

let scene: Scene;
/** What programs have got: whole requests, bytes by connection, and what llhttp would not read. */
let requests: string[] = [];
let connections: string[] = [];
let errors: string[] = [];

const program = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 }, (request: IncomingMessage, response: ServerResponse) => {
  let body = '';
  request.setEncoding('latin1').on('data', (part: string) => { body += part; }).on('end', () => {
    requests.push(`${request.method} ${request.url} ${body}`);
    response.end('ok');
  }).on('error', () => {});
});
Object.assign(program, { httpAllowHalfOpen: true });
program.on('clientError', (error: NodeJS.ErrnoException, stream: Duplex) => {
  // What is cut off by us is no request.
  if (error.code !== 'HPE_INVALID_EOF_STATE' && error.code !== 'ECONNRESET') errors.push(`${error.code}: ${error.message}`);
  stream.destroy();
});

/** What the next connection answers instead. */
let hostile: string | null = null;

function serve({ socket }: Wire): void {
  if (hostile !== null) {
    const bytes = Buffer.from(hostile, 'latin1');
    socket.once('data', () => socket.write(bytes));
    socket.on('end', () => socket.end());
    return;
  }
  const index = connections.push('') - 1;
  const stream = new Duplex({ allowHalfOpen: true, read() {}, write: (chunk, _encoding, done) => { socket.write(chunk, () => done()); }, final: (done) => { socket.end(() => done()); } });
  stream.on('error', () => {}).on('close', () => socket.destroy());
  socket.on('data', (chunk) => {
    connections[index] += chunk.toString('latin1');
    stream.push(chunk);
  });
  socket.on('end', () => stream.push(null));
  socket.on('close', () => stream.destroy());
  program.emit('connection', stream);
}

beforeAll(async () => { scene = await Scene.open(serve); });
afterAll(async () => {
  await scene.close();
  program.closeAllConnections();
});

interface Outcome {
  /** Statuses that the client was told. */
  readonly statuses: readonly number[];
  readonly requests: readonly string[];
  readonly connections: readonly string[];
}

/** @param pieces how many bytes are sent at a time */
async function attack(bytes: string, pieces = Infinity): Promise<Outcome> {
  [requests, connections, errors] = [[], [], []];
  const client = scene.client();
  for (let at = 0; at < bytes.length; at += pieces) {
    client.send(bytes.slice(at, at + pieces));
    if (pieces < bytes.length) await new Promise((resolve) => { setImmediate(resolve); });
  }
  client.socket.end();
  const answer = await client.rest();
  client.socket.destroy();
  await noneKept();
  expect(errors).toEqual([]);
  agreed(connections);
  return { statuses: Array.from(answer.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status)), requests, connections };
}

/** Connections to programs that are kept for later requests are closed, as they are after a while. */
async function noneKept(): Promise<void> {
  scene.sweep.pass(scene.sweep.nowMs + Math.max(leaseHoldMs, upstreamIdleMsMax) + 1);
  await scene.noneLeft();
}

/** Each connection has one request at most that has a body, and it is the last: everybody finds it at the same place. */
function agreed(all: readonly string[]): void {
  for (const bytes of all) {
    const bodies = sloppyReaders.map((reader) => bodyAsReadBy(reader, bytes));
    expect(bodies, JSON.stringify(bytes)).toEqual(bodies.map(() => bodies[0]));
  }
}

describe.each(Object.entries(refused))('%s', (_, attacks) => {
  test('is refused however it arrives, and what has reached the program by then is no request', async () => {
    for (const bytes of attacks) {
      for (const pieces of bytes.length < 400 ? [Infinity, 7] : [Infinity]) {
        const { statuses, requests: whole } = await attack(bytes, pieces);
        expect(whole, JSON.stringify(bytes)).toEqual([]);
        expect(statuses.length, JSON.stringify(bytes)).toBe(1);
        expect(statuses[0], JSON.stringify(bytes)).toBeGreaterThanOrEqual(400);
        expect(statuses[0], JSON.stringify(bytes)).not.toBe(404);
      }
    }
  }, 60_000);
});

test.each(accepted)('%s: each program reads the same', async (_, bytes, expected) => {
  for (const pieces of [Infinity, 1]) expect((await attack(bytes, pieces)).requests).toEqual(expected);
});

/** Where a program may stop, go on, trim or split. */
const places: readonly (readonly [string, (byte: string) => string])[] = [
  ['before a coding\'s name', (byte) => `${byte}Transfer-Encoding: chunked`],
  ['within it', (byte) => `Transfer${byte}Encoding: chunked`],
  ['behind it', (byte) => `Transfer-Encoding${byte}: chunked`],
  ['before the coding', (byte) => `Transfer-Encoding:${byte}chunked`],
  ['within it', (byte) => `Transfer-Encoding: ch${byte}unked`],
  ['behind it', (byte) => `Transfer-Encoding: chunked${byte}`],
  ['before a length\'s name', (byte) => `X: y\r\n${byte}Content-Length: 5`],
  ['behind it', (byte) => `Content-Length${byte}: 5`],
  ['before the length', (byte) => `Content-Length:${byte}5`],
  ['behind it', (byte) => `Content-Length: 5${byte}`],
  ['behind another value', (byte) => `X: y${byte}Content-Length: 5`],
  ['behind another value and a line feed', (byte) => `X: y\n${byte}Content-Length: 5`],
  ['behind another line', (byte) => `X: y\r\n${byte}\r\nContent-Length: 5`],
  ['before `close`', (byte) => `Connection:${byte}close\r\nContent-Length: 5`],
  ['before a host', (byte) => `Content-Length: 5\r\nX-Host: y${byte}Host: b.example`],
];

test.each(places)('any byte %s is refused, or read by all alike', async (_, fields) => {
  for (let octet = 0; octet < 256; octet++) {
    const bytes = `POST / HTTP/1.1\r\nHost: a.example\r\n${fields(String.fromCharCode(octet))}\r\n\r\n0\r\n\r\nGET /behind HTTP/1.1\r\nHost: a.example\r\n\r\n`;
    const { requests: arrived } = await attack(bytes);
    const { messages } = await llhttpRequests(Buffer.from(bytes, 'latin1'), (target) => target);
    expect(arrived, JSON.stringify(bytes)).toEqual(messages.filter(({ complete }) => complete).slice(0, arrived.length).map(({ method, target, body }) => `${method} ${target} ${body}`));
  }
}, 60_000);

/** Of one connection: what was asked of the hostile site, and behind it of nobody, which the front door answers itself. */
async function answeredWith(method: string, bytes: string): Promise<string> {
  await noneKept();
  hostile = bytes;
  const client = scene.client();
  client.send(`${method} / HTTP/1.1\r\nHost: a.example\r\n\r\nGET / HTTP/1.1\r\nHost: none.example\r\n\r\n`);
  client.socket.end();
  const text = await client.rest();
  client.socket.destroy();
  hostile = null;
  return text;
}

describe('hostile sites', () => {
  test.each(Object.entries(refusedAnswers))('%s: what is no answer is a bad gateway, or cut off, and nothing else is believed', async (_, answers) => {
    for (const bytes of answers) {
      const text = await answeredWith('GET', bytes);
      const reading = await llhttpResponse(Buffer.from(text, 'latin1'), 'GET', true);
      expect(reading?.status === 502 || reading?.complete === false, `${JSON.stringify(bytes)} → ${JSON.stringify(text)}`).toBe(true);
      expect(text.match(/HTTP\/1\.1 \d/g), JSON.stringify(bytes)).toHaveLength(1);
    }
  }, 60_000);

  test.each(acceptedAnswers)('%s to %s: is read by all alike, and what is behind it by nobody', async (_, method, bytes, gets) => {
    const text = await answeredWith(method, bytes);
    const reading = await llhttpResponse(Buffer.from(text, 'latin1'), method);
    expect([...reading?.interim.map(([status]) => status) ?? [], reading?.status, reading?.body].join(' ')).toBe(gets);
    expect(reading?.complete).toBe(true);
    expect(text).not.toContain('evil');
    // The next answer on the connection is the one that was asked for.
    expect(text).toMatch(/HTTP\/1\.1 404 Not Found\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
    // And so is that of another client.
    const other = scene.client();
    other.send('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
    expect(await other.rest()).toMatch(/\r\n\r\nok$/);
    other.socket.destroy();
  });
});
