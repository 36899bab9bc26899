/** `cached:` of NoWake=: a site's own last answer, while it sleeps. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keptAnswerBytesMax, keptAnswersMax, keptHeadBytesMax, keptInFlightMax } from '../../../src/base/limits.ts';
import { AnswerStore } from '../../../src/front/answer-store.ts';
import { Chunked, withoutChunks } from '../../../src/front/chunked.ts';
import { fromFile, toFile, type KeptAnswer } from '../../../src/front/kept-answer.ts';
import { Keeping } from '../../../src/front/keeping.ts';
import { ResponseHead } from '../../../src/front/response-head.ts';
import type { SiteAnswers } from '../../../src/front/site-answers.ts';
import { parseNoWake } from '../../../src/site/front-keys.ts';
import { parseIpPrefixes } from '../../../src/unitfile/ip-prefix.ts';
import { Scene, type Wire } from './scene.ts';

const ask = (path = '/feed.xml', ...fields: readonly string[]): string => `GET ${path} HTTP/1.1\r\n${['Host: a.example', ...fields].join('\r\n')}\r\n\r\n`;
const says = (body: string, ...fields: readonly string[]): string => `HTTP/1.1 200 OK\r\n${['Content-Type: text/xml', ...fields].join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const post = 'POST /feed.xml HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n';
const rule = 'path:/feed.xml cached:1h';

let scene: Scene;
const opened: Wire[] = [];
beforeEach(async () => {
  // It stands still: how old an answer is does not depend on how long a test takes.
  vi.useFakeTimers({ toFake: ['Date'] });
  scene = await Scene.open();
  scene.keys = { noWake: [parseNoWake(rule)] };
});
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await scene.close();
  vi.useRealTimers();
});

/** The site is awake and answers. */
async function answers(request: string, answer: string | Buffer, through: Partial<{ end: boolean; last: string }> = {}): Promise<string> {
  scene.state = { ...scene.state, state: 'awake' };
  const { client, program } = await scene.exchange(request);
  opened.push(client, program);
  program.send(answer);
  if (through.end === true) program.socket.end();
  const got = await client.take(through.last ?? (typeof answer === 'string' ? answer.slice(-3) : '\r\n\r\n'));
  client.socket.end();
  await client.gone();
  program.socket.destroy();
  await program.gone();
  await fallsAsleep();
  return got;
}

async function fallsAsleep(...clients: readonly Wire[]): Promise<void> {
  for (const { socket } of clients) socket.destroy();
  await Promise.all(clients.map((client) => client.gone()));
  scene.leases.at(-1)?.end('revoked');
  await scene.noneLeft();
  scene.state = { ...scene.state, state: 'dormant' };
  await scene.restartAnswers();
}

/** What a client gets while the site sleeps; null: the site was asked. */
async function asleep(request: string): Promise<string | null> {
  const before = scene.accepted.length;
  const client = scene.client();
  opened.push(client);
  client.send(request);
  const program = scene.program();
  const answer = await Promise.race([client.rest(), program.then(() => null)]);
  if (answer === null) {
    await program;
    await fallsAsleep(client);
  } else {
    expect(scene.accepted.length).toBe(before);
  }
  return answer;
}

describe('what is kept', () => {
  test('the last answer, with its fields, its date and its age; nobody is asked', async () => {
    await answers(ask(), says('<one/>', 'ETag: "1"', 'Date: Thu, 01 Jan 2026 00:00:00 GMT'));
    await answers(ask(), says('<two/>', 'ETag: "2"', 'Date: Thu, 01 Jan 2026 00:00:01 GMT', 'Content-Language: en', 'Connection: X-Hop, close', 'X-Hop: 1', 'Keep-Alive: timeout=5'));
    expect(await asleep(ask())).toBe('HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nETag: "2"\r\nDate: Thu, 01 Jan 2026 00:00:01 GMT\r\nContent-Language: en\r\nAge: 0\r\n'
      + 'Cache-Status: wakesock; hit\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<two/>');
  });

  test('HEAD is answered from it without the body', async () => {
    await answers(ask(), says('<one/>'));
    expect(await asleep(ask().replace('GET', 'HEAD'))).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*Content-Length: 6\r\n(?:.*\r\n)*\r\n$/);
  });

  test('chunks are put together, trailers left out', async () => {
    await answers(ask(), 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n4;a=b\r\n<one\r\n2\r\n/>\r\n0\r\nX-Sum: 1\r\n\r\n');
    expect(await asleep(ask())).toMatch(/\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<one\/>$/);
    expect(await asleep(ask())).not.toContain('X-Sum');
  });

  test('chunks put together are the content, however they were cut', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), fc.boolean(), (parts, withExtension) => {
      const bytes = Buffer.concat([...parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}${withExtension ? ';x="1"' : ''}\r\n`), part, Buffer.from('\r\n')]), Buffer.from('0\r\n\r\n')]);
      const chunked = new Chunked();
      chunked.reset();
      expect(chunked.scan(bytes, 0, bytes.length)).toBe(bytes.length);
      expect(chunked.done).toBe(true);
      expect(withoutChunks(bytes)).toEqual(Buffer.concat(parts));
    }));
  });

  test('an answer in two parts is kept whole', async () => {
    const { client, program } = await scene.exchange(ask());
    opened.push(client, program);
    program.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<on');
    await client.take('<on');
    program.send('e/>');
    await client.take('e/>');
    await fallsAsleep(client);
    expect(await asleep(ask())).toMatch(/<one\/>$/);
  });

  test.each([
    ['another path', ask('/other'), says('<one/>'), ask('/other')],
    ['a query', ask('/feed.xml?a'), says('<one/>'), ask('/feed.xml?a')],
    ['another status', ask(), says('<one/>').replace('200 OK', '404 Not Found'), ask()],
    ['a cookie of the client', ask('/feed.xml', 'Cookie: id=1'), says('<one/>'), ask()],
    ['credentials', ask('/feed.xml', 'Authorization: Basic x'), says('<one/>'), ask()],
    ['credentials for a proxy', ask('/feed.xml', 'Proxy-Authorization: Basic x'), says('<one/>'), ask()],
    ['a cookie that is set', ask(), says('<one/>', 'Set-Cookie: id=1'), ask()],
    ['no-store', ask(), says('<one/>', 'Cache-Control: max-age=60, No-Store'), ask()],
    ['no-cache', ask(), says('<one/>', 'Cache-Control: no-cache="X-A, X-B"'), ask()],
    ['private', ask(), says('<one/>', 'Cache-Control: public', 'Cache-Control: private'), ask()],
    ['must-revalidate', ask(), says('<one/>', 'Cache-Control: must-revalidate'), ask()],
    ['s-maxage', ask(), says('<one/>', 'Cache-Control: s-maxage=10'), ask()],
    ['Pragma', ask(), says('<one/>', 'Pragma: no-cache'), ask()],
    ['Vary: *', ask(), says('<one/>', 'Vary: Accept, *'), ask()],
    ['what depends on the client\'s address', ask(), says('<one/>', 'Vary: X-Forwarded-For'), ask()],
    ['too long', ask(), says('x'.repeat(keptAnswerBytesMax + 1)), ask()],
  ])('%s is not', async (_, request, answer, again) => {
    await answers(request, answer);
    expect(await asleep(again)).toBeNull();
  });

  test('what HEAD is answered is not: it has no body', async () => {
    await answers(ask().replace('GET', 'HEAD'), 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', { last: '\r\n\r\n' });
    expect(await asleep(ask())).toBeNull();
  });

  test('by a line without a path it is that of any', async () => {
    scene.keys = { noWake: [parseNoWake('method:GET cached:1h')] };
    await answers(ask('/any/thing'), says('<one/>'));
    expect(await asleep(ask('/any/thing'))).toMatch(/<one\/>$/);
  });

  test('chunks of too much are not', async () => {
    const body = 'x'.repeat(keptAnswerBytesMax + 1);
    await answers(ask(), `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    expect(await asleep(ask())).toBeNull();
  });

  test.each([[20, 1_000, true], [20_000, 1, false]])('in %i pieces of %i bytes (kept: %s): each that is held costs more than its bytes', (count, size, kept) => {
    const held: KeptAnswer[] = [];
    const keeping = new Keeping({ changes: 0, edition: '1', keep: (answer: KeptAnswer) => held.push(answer) } as unknown as SiteAnswers, 'a', { target: 'a', fields: new Map() });
    const head = new ResponseHead();
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n');
    head.parse(bytes, 0, 0, false);
    keeping.answered(bytes, head);
    for (let i = 0; i < count; i++) keeping.body(Buffer.alloc(size));
    keeping.done();
    expect(held.length > 0).toBe(kept);
  });

  test('what no line was for is not, when there is one later', async () => {
    await answers(ask('/other'), says('<one/>'));
    scene.keys = { noWake: [parseNoWake('path:/other cached:1h')] };
    expect(await asleep(ask('/other'))).toBeNull();
  });

  test('of the longest', async () => {
    await answers(ask(), says('x'.repeat(keptAnswerBytesMax - 3) + 'end'));
    expect((await asleep(ask()))?.length).toBeGreaterThan(keptAnswerBytesMax);
  });

  test('what ends with the connection is not: it may have been cut off', async () => {
    await answers(ask(), 'HTTP/1.1 200 OK\r\n\r\n<one/>', { end: true });
    expect(await asleep(ask())).toBeNull();
  });

  test('nor what was cut off', async () => {
    const { client, program } = await scene.exchange(ask());
    opened.push(client, program);
    program.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<on');
    await client.take('<on');
    program.socket.destroy();
    await client.rest();
    await fallsAsleep(client);
    expect(await asleep(ask())).toBeNull();
  });

  test('a client that takes its answer slowly is not in the way of others', async () => {
    const slow = await scene.exchange(ask());
    opened.push(slow.client, slow.program);
    slow.program.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<old');
    await slow.client.take('<old');
    const { client, program } = await scene.exchange(ask());
    opened.push(client, program);
    program.send(says('<new/>'));
    await client.take('<new/>');
    slow.program.send('/>');
    await slow.client.take('/>');
    await fallsAsleep(client, slow.client);
    expect(await asleep(ask())).toMatch(/<new\/>$/);
  });
});

describe('to whom it is given', () => {
  test.each([
    ['a cookie', ask('/feed.xml', 'Cookie: id=1')], ['credentials', ask('/feed.xml', 'Authorization: x')], ['a query', ask('/feed.xml?x')],
    ['a condition of its own', ask('/feed.xml', 'If-Match: "1"')], ['another port in Host', ask().replace('a.example', 'a.example:81')],
    ['another protocol to go on in', ask('/feed.xml', 'Connection: Upgrade', 'Upgrade: websocket')],
    ['POST', post], ['another method', ask().replace('GET', 'OPTIONS')], ['a body', `${ask('/feed.xml', 'Content-Length: 1')}x`],
    ['another method in a field', ask('/feed.xml', 'X-HTTP-Method-Override: DELETE')], ['another method, spelt oddly', ask('/feed.xml', 'x_http_method_override: DELETE')],
  ])('not with %s', async (_, request) => {
    await answers(ask(), says('<one/>'));
    expect(await asleep(request)).toBeNull();
  });

  test.each(['Cache-Control: no-cache', 'Pragma: no-cache', 'Cache-Control: max-age=0', 'Range: bytes=0-1', 'Accept: */*\r\nUser-Agent: other'])('also with %s', async (field) => {
    await answers(ask(), says('<one/>'));
    expect(await asleep(ask('/feed.xml', field))).toMatch(/<one\/>$/);
  });

  test('by the same name in capitals', async () => {
    await answers(ask(), says('<one/>'));
    expect(await asleep(ask().replace('a.example', 'A.EXAMPLE'))).toMatch(/<one\/>$/);
  });

  test('304 where the client has it already', async () => {
    await answers(ask(), says('<one/>', 'ETag: W/"1"', 'Cache-Control: max-age=5', 'Date: Thu, 01 Jan 2026 00:00:00 GMT'));
    expect(await asleep(ask('/feed.xml', 'If-None-Match: "0", "1"'))).toBe(
      'HTTP/1.1 304 Not Modified\r\nETag: W/"1"\r\nCache-Control: max-age=5\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nAge: 0\r\nCache-Status: wakesock; hit\r\nConnection: close\r\n\r\n');
    expect(await asleep(ask('/feed.xml', 'If-None-Match: "0"'))).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('304 by date', async () => {
    await answers(ask(), says('<one/>', 'Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT'));
    expect(await asleep(ask('/feed.xml', 'If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT'))).toMatch(/^HTTP\/1\.1 304 /);
    expect(await asleep(ask('/feed.xml', 'If-Modified-Since: Wed, 31 Dec 2025 00:00:00 GMT'))).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('Vary: to those who ask alike', async () => {
    await answers(ask('/feed.xml', 'Accept-Language: de'), says('<eins/>', 'Vary: Accept-Language'));
    expect(await asleep(ask('/feed.xml', 'Accept-Language: de'))).toMatch(/<eins\/>$/);
    expect(await asleep(ask('/feed.xml', 'Accept-Language: en'))).toBeNull();
    expect(await asleep(ask())).toBeNull();
  });

  test('Vary: what `Connection` names the program did not see, and has not answered to', async () => {
    await answers(ask('/feed.xml', 'Accept-Language: de', 'Connection: Accept-Language'), says('<one/>', 'Vary: Accept-Language'));
    expect(await asleep(ask('/feed.xml', 'Accept-Language: de'))).toBeNull();
    expect(await asleep(ask())).toMatch(/<one\/>$/);
  });

  test('Vary: a name counts as programs are given it', async () => {
    await answers(ask('/feed.xml', 'X_Theme: evil'), says('<one/>', 'Vary: X-Theme'));
    expect(await asleep(ask())).toBeNull();
    expect(await asleep(ask('/feed.xml', 'X-Theme: evil'))).toMatch(/<one\/>$/);
  });

  test.each([
    ['https://evil.example', '', false], ['https://evil.example', 'Origin', true], ['*', '', true],
  ])('what lets one origin in (%s, Vary: %s) only if it says that it asked who that is', async (allowed, vary, given) => {
    await answers(ask('/feed.xml', 'Origin: https://evil.example'), says('<one/>', `Access-Control-Allow-Origin: ${allowed}`, `Vary: ${vary}`));
    expect((await asleep(ask('/feed.xml', 'Origin: https://evil.example'))) !== null).toBe(given);
  });

  const codings = [
    ['gzip, br', true], ['br;q=1, GZIP;q=0.5', true], ['br', false], ['', false], ['gzip;q=0', false], ['*', true], ['identity', false], ['gzip\r\nAccept-Encoding: br', true],
  ] as const;
  test.each(codings.flatMap(([accepted, given]) => [[accepted, given, 'Vary: Accept-Encoding'], [accepted, given, 'X-Says: nothing of it']] as const))('packed, to those who unpack it: %s: %s, %s', async (accepted, given, vary) => {
    const body = gzipSync('<one/>').toString('latin1');
    await answers(ask('/feed.xml', 'Accept-Encoding: gzip'), Buffer.from(says(body, vary, 'Content-Encoding: gzip'), 'latin1'));
    const answer = await asleep(ask('/feed.xml', `Accept-Encoding: ${accepted}`));
    expect(answer?.endsWith(body) ?? false).toBe(given);
  });

  test.each(['Host', 'X-Forwarded-Host, X-Forwarded-Proto'])('Vary: %s, by which answers are told apart in any case', async (vary) => {
    await answers(ask(), says('<one/>', `Vary: ${vary}`));
    expect(await asleep(ask())).toMatch(/<one\/>$/);
  });

  test('bare, to all but those who refuse that', async () => {
    await answers(ask('/feed.xml', 'Accept-Encoding: br'), says('<one/>', 'Vary: Accept-Encoding'));
    expect(await asleep(ask())).toMatch(/<one\/>$/);
    expect(await asleep(ask('/feed.xml', 'Accept-Encoding: gzip, *;q=0'))).toBeNull();
  });

  test('no longer than the rule says; then the next rule counts', async () => {
    scene.keys = { noWake: [parseNoWake('path:/feed.xml cached:0'), parseNoWake('path:/feed.xml status:410')] };
    await answers(ask(), says('<one/>', 'Age: 10'));
    expect(await asleep(ask())).toMatch(/^HTTP\/1\.1 410 /);
    scene.keys = { noWake: [parseNoWake('path:/feed.xml cached:9s'), parseNoWake('path:/feed.xml cached:1h'), parseNoWake('path:/feed.xml status:410')] };
    expect((await asleep(ask()))?.match(/^Age: .*$/gm)).toEqual(['Age: 10']);
  });

  test('not of the future: how old it is nobody knows, since the clock was set back', async () => {
    await answers(ask(), says('<one/>'));
    const target = JSON.stringify(['a.example', '/feed.xml']);
    const answer = scene.answers.find('a', target) as KeptAnswer;
    scene.answers.keep('a', { ...answer, atMs: Date.now() + 60_000 });
    expect(await asleep(ask())).toBeNull();
    scene.answers.keep('a', answer);
    expect(await asleep(ask())).toMatch(/<one\/>$/);
  });

  test('not of an earlier edition of the site', async () => {
    await answers(ask(), says('<one/>'));
    scene.edition = '2';
    expect(await asleep(ask())).toBeNull();
  });

  test('while the site is awake it is asked', async () => {
    await answers(ask(), says('<one/>'));
    scene.state = { ...scene.state, state: 'awake' };
    expect(await asleep(ask())).toBeNull();
  });
});

describe('what changes it', () => {
  test('304 of the site says that it is still true, and what has changed about it', async () => {
    await answers(ask(), says('<one/>', 'ETag: "1"', 'Age: 3000', 'X-A: old', 'Date: Thu, 01 Jan 2026 00:00:00 GMT'));
    expect(await asleep(ask())).toContain('\r\nAge: 3000\r\n');
    await answers(ask('/feed.xml', 'If-None-Match: "1"'), 'HTTP/1.1 304 Not Modified\r\nETag: W/"1"\r\nX-A: new\r\nContent-Type: text/plain\r\n\r\n', { last: '\r\n\r\n' });
    const answer = await asleep(ask());
    expect(answer).toContain('\r\nAge: 0\r\n');
    expect(answer).toContain('\r\nX-A: new\r\n');
    expect(answer).toContain('\r\nContent-Type: text/xml\r\n');
    expect(answer).not.toContain('2026 00:00:00');
    expect(answer).toMatch(/<one\/>$/);
  });

  const [before, after] = ['Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT', 'Last-Modified: Fri, 02 Jan 2026 00:00:00 GMT'];
  test.each<[string, string[], string[], number]>([
    ['by another tag', ['ETag: "1"'], ['ETag: "2"'], 3000], ['by another tag, though of the same date', ['ETag: "1"', before], ['ETag: "2"', before], 3000],
    ['by another date', [before], [after], 3000], ['by a date that it had not', [], [before], 3000], ['by nothing', [], [], 3000], ['by its date', [before], [before], 0],
  ])('304 is about the one that it names: %s', async (_, kept, said, ageS) => {
    await answers(ask(), says('<one/>', 'Age: 3000', ...kept));
    await answers(ask('/feed.xml', 'If-None-Match: "2"'), `HTTP/1.1 304 Not Modified\r\n${[...said, 'X: y'].join('\r\n')}\r\n\r\n`, { last: '\r\n\r\n' });
    expect(await asleep(ask())).toContain(`\r\nAge: ${ageS}\r\n`);
  });

  test('304 about what was never kept', async () => {
    expect(await answers(ask('/feed.xml', 'If-None-Match: "1"'), 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n', { last: '\r\n\r\n' })).toMatch(/^HTTP\/1\.1 304 /);
    expect(await asleep(ask())).toBeNull();
  });

  test('304 that may not be kept takes it back', async () => {
    await answers(ask(), says('<one/>', 'ETag: "1"'));
    await answers(ask('/feed.xml', 'If-None-Match: "1"'), 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nCache-Control: private\r\n\r\n', { last: '\r\n\r\n' });
    expect(await asleep(ask())).toBeNull();
  });

  test.each([
    ['404 Not Found', '', false], ['410 Gone', '', false], ['301 Moved Permanently', 'Location: /elsewhere', false], ['401 Unauthorized', '', false], ['403 Forbidden', '', false],
    ['200 OK', 'Cache-Control: no-store', false], ['200 OK', 'Vary: *', false],
    ['200 OK', 'Set-Cookie: id=1', true], ['500 Internal Server Error', '', true], ['503 Service Unavailable', 'Cache-Control: no-store', true], ['429 Too Many Requests', '', true], ['206 Partial Content', '', true],
  ])('a later %s with %j: it stays: %j', async (status, field, stays) => {
    await answers(ask(), says('<one/>'));
    await answers(ask(), says('other', ...field === '' ? [] : [field]).replace('200 OK', status), { last: 'other' });
    expect(await asleep(ask()) !== null).toBe(stays);
  });

  test('what is for one only leaves what was', async () => {
    await answers(ask(), says('<one/>'));
    await answers(ask('/feed.xml', 'Cookie: id=1'), says('<mine/>'));
    expect(await asleep(ask())).toMatch(/<one\/>$/);
  });

  test('a request that may have changed it', async () => {
    await answers(ask(), says('<one/>'));
    await answers(post, says('done'));
    expect(await asleep(ask())).toBeNull();
  });

  test('also if its own answer never comes', async () => {
    await answers(ask(), says('<one/>'));
    scene.state = { ...scene.state, state: 'awake' };
    const { client, program } = await scene.exchange(post);
    program.socket.destroy();
    await client.rest();
    await fallsAsleep(client);
    expect(await asleep(ask())).toBeNull();
  });

  test('and what is asked for while it is under way', async () => {
    const changing = await scene.exchange(post);
    opened.push(changing.client, changing.program);
    const { client, program } = await scene.exchange(ask());
    opened.push(client, program);
    program.send(says('<old/>'));
    await client.take('<old/>');
    changing.program.send(says('done'));
    await changing.client.take('done');
    await fallsAsleep(client, changing.client);
    expect(await asleep(ask())).toBeNull();
  });

  test('also for an answer that was under way meanwhile', async () => {
    const early = await scene.exchange(ask());
    opened.push(early.client, early.program);
    early.program.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<one');
    await early.client.take('<one');
    const changing = await scene.exchange(post);
    opened.push(changing.client, changing.program);
    changing.program.send(says('done'));
    await changing.client.take('done');
    early.program.send('/>');
    await early.client.take('/>');
    await fallsAsleep(early.client, changing.client);
    expect(await asleep(ask())).toBeNull();
  });
});

const kept = (target: string, body = 'body'): KeptAnswer => ({ target, edition: '1', atMs: 1, fields: [['A', 'é']], variant: [['b', null]], body: Buffer.from(body) });

test('a trusted proxy says how the program is to make its links: who comes otherwise gets another answer', async () => {
  await scene.close();
  scene = await Scene.open(undefined, { trusted: parseIpPrefixes('127.0.0.1') });
  scene.keys = { noWake: [parseNoWake(rule)] };
  await answers(ask('/feed.xml', 'X-Forwarded-For: 192.0.2.1', 'X-Real-IP: 192.0.2.1', 'X-Forwarded-Proto: https'), says('<one/>', 'Vary: X-Forwarded-Proto'));
  expect(await asleep(ask('/feed.xml', 'X-Forwarded-For: 192.0.2.2', 'X-Real-IP: 192.0.2.2', 'X-Forwarded-Proto: HTTPS'))).toMatch(/<one\/>$/);
  expect(await asleep(ask('/feed.xml', 'X-Forwarded-Proto: http'))).toBeNull();
  for (const other of ['X-Forwarded-Host: b.example', 'X-Forwarded-Prefix: /evil', 'X-Forwarded-Port: 81', 'Forwarded: for=192.0.2.1;host=c.example', 'Forwarded: proto="http"']) {
    expect(await asleep(ask('/feed.xml', 'X-Forwarded-Proto: https', other)), other).toBeNull();
  }
  expect(await asleep(ask('/feed.xml', 'X-Forwarded-Proto: https', 'Forwarded: for=192.0.2.1'))).toMatch(/<one\/>$/);
});

describe('files', () => {
  let directory: string;
  let warnings: string[];
  let store: AnswerStore;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wakesock-store-'));
    warnings = [];
    store = again();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const again = (): AnswerStore => new AnswerStore(directory, { warn: (message) => { warnings.push(message); } });
  const files = (site = 'a'): string[] => readdirSync(join(directory, site)).map((name) => join(directory, site, name));

  test('what was kept is found before it is written, and after, by another', async () => {
    store.keep('a', kept('t'));
    expect(store.find('a', 't')).toEqual(kept('t'));
    expect(existsSync(join(directory, 'a'))).toBe(false);
    await store.flush();
    expect(again().find('a', 't')).toEqual(kept('t'));
    expect(again().find('b', 't')).toBeNull();
    expect(again().find('a', 'u')).toBeNull();
    store.forget('a', 't');
    expect(store.find('a', 't')).toBeNull();
    await store.flush();
    expect(files()).toEqual([]);
  });

  test('what came while it was written is written as well', async () => {
    store.keep('a', kept('t', 'one'));
    const first = store.flush();
    // It has begun by then, and waits for the disk.
    await Promise.resolve();
    store.keep('a', kept('t', 'two'));
    await first;
    expect(store.find('a', 't')?.body.toString()).toBe('two');
    await store.flush();
    expect(again().find('a', 't')?.body.toString()).toBe('two');
  });

  test('only so many of a site: the oldest go', async () => {
    for (let i = 0; i < keptAnswersMax; i++) store.keep('a', kept(`t${i}`));
    await store.flush();
    const [oldest] = files();
    utimesSync(oldest as string, 1, 1);
    store.keep('a', kept('new'));
    store.keep('b', kept('t'));
    await store.flush();
    expect(files()).toHaveLength(keptAnswersMax);
    expect(files()).not.toContain(oldest);
    expect(again().find('a', 'new')).not.toBeNull();
    expect(files('b')).toHaveLength(1);
  });

  test('of what is under way only so many: the oldest are not kept', () => {
    const dropped: number[] = [];
    for (let i = 0; i < keptInFlightMax; i++) store.begins('a', `t${i}`, { drop: () => { dropped.push(i); } });
    expect(dropped).toEqual([]);
    store.begins('a', 't0', { drop: () => {} });
    expect(dropped).toEqual([0]);
    store.begins('b', 't', { drop: () => {} });
    expect(dropped).toEqual([0, 1]);
  });

  test('what was cut off, is of another version, or no file of ours is none', async () => {
    store.keep('a', kept('t'));
    await store.flush();
    const [path] = files() as [string];
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length++) {
      truncateSync(path, length);
      expect(again().find('a', 't')).toBeNull();
      writeFileSync(path, whole);
    }
    expect(again().find('a', 't')).not.toBeNull();
    writeFileSync(path, whole.toString().replace('"version":1', '"version":2'));
    expect(again().find('a', 't')).toBeNull();
    store.keep('a', kept('u'));
    await store.flush();
    writeFileSync(files().find((each) => each !== path) as string, whole);
    expect(again().find('a', 'u')).toBeNull();
    rmSync(path);
    mkdirSync(path);
    expect(again().find('a', 't')).toBeNull();
  });

  test('nobody else may read them, and what is larger than any of ours is not read', async () => {
    store.keep('a', kept('t', 'x'.repeat(keptAnswerBytesMax)));
    await store.flush();
    const [path] = files() as [string];
    expect([join(directory, 'a'), path].map((each) => statSync(each).mode & 0o777)).toEqual([0o700, 0o600]);
    expect(again().find('a', 't')?.body).toHaveLength(keptAnswerBytesMax);
    writeFileSync(path, toFile(kept('t', 'x'.repeat(keptAnswerBytesMax + keptHeadBytesMax))));
    expect(again().find('a', 't')).toBeNull();
  });

  test('what could not be put in its place is not left beside it', async () => {
    store.keep('a', kept('t'));
    await store.flush();
    const [path] = files() as [string];
    rmSync(path);
    mkdirSync(path);
    store.keep('a', kept('t'));
    await store.flush();
    expect(files()).toEqual([path]);
    expect(warnings).toEqual([expect.stringContaining('EISDIR') as string]);
  });

  test('what fills the disk is told once, and is asked for in vain', async () => {
    rmSync(directory, { recursive: true });
    writeFileSync(directory, '');
    for (const target of ['t', 'u']) {
      store.keep('a', kept(target));
      await store.flush();
    }
    expect(warnings).toEqual([expect.stringMatching(/^Answers cannot be kept for sleeping sites: ENOTDIR/) as string]);
    expect(store.find('a', 't')).toBeNull();
    await store.sweep(() => false);
  });

  test('what sites have left that are no more is swept away', async () => {
    store.keep('a', kept('t'));
    store.keep('b@c', kept('t'));
    await store.flush();
    await store.sweep((name) => name === 'a');
    expect(readdirSync(directory)).toEqual(['a']);
  });

  test('any body and any field comes back as it was', () => {
    const text = fc.string({ unit: fc.integer({ min: 0x20, max: 0xFF }).map((code) => String.fromCharCode(code)) });
    fc.assert(fc.property(fc.uint8Array(), fc.array(fc.tuple(text, text)), text, (body, fields, target) => {
      const answer: KeptAnswer = { target, edition: 'e', atMs: 5, fields, variant: [], body: Buffer.from(body) };
      expect(fromFile(toFile(answer))).toEqual(answer);
    }));
  });
});
