/** The parser of the front door, held against its corpus and against Node's llhttp. */
import { METHODS } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headBytesMax, headFieldsMax } from '../../../src/base/limits.ts';
import { Body } from '../../../src/front/framing.ts';
import { Refusal } from '../../../src/front/refusal.ts';
import { hostName } from '../../../src/front/request-head.ts';
import { ResponseHead } from '../../../src/front/response-head.ts';
import { requestBytes, responseBytes } from './arbitrary.ts';
import { llhttpRequests, llhttpResponse } from './llhttp.ts';
import { readRequests } from './read-messages.ts';

const corpus = new URL('../../corpus/http/', import.meta.url);

function filesOf(folder: string): [string, Buffer][] {
  const files = readdirSync(new URL(folder, corpus)).map((name): [string, Buffer] => [name, readFileSync(new URL(`${folder}/${name}`, corpus))]);
  expect(files.length).toBeGreaterThan(4);
  return files;
}

/** Of an absolute target only what we pass on. */
function pathOf(url: string, method: string): string {
  const path = url.replace(/^https?:\/\/[^/?]+/i, '');
  if (path === '' && method === 'OPTIONS') return '*';
  return path === '' || path.startsWith('?') ? `/${path}` : path;
}

/** What we read completely llhttp reads as well, and the same. */
async function agreesWithLlhttp(bytes: Buffer): Promise<number> {
  const messages = readRequests([bytes]).messages.filter(({ complete }) => complete);
  if (messages.some(({ method }) => !METHODS.includes(method))) return 0;
  const theirs = await llhttpRequests(bytes, pathOf);
  expect(theirs.messages.slice(0, messages.length)).toEqual(messages);
  return messages.length;
}

function withFields(fields: string): Buffer[] {
  return [Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)];
}

/** With two faults, which of them is named depends on how much has arrived. */
function outcomeOf(pieces: readonly Buffer[]) {
  const { refused, messages } = readRequests(pieces);
  return { refused: refused !== null, messages: messages.filter(({ complete }) => complete) };
}

function everySplitAgrees(bytes: Buffer): void {
  const whole = outcomeOf([bytes]);
  for (let at = 1; at < bytes.length; at++) {
    expect(outcomeOf([bytes.subarray(0, at), bytes.subarray(at)]), `split at ${at}`).toEqual(whole);
  }
  expect(outcomeOf(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(whole);
}

describe('requests', () => {
  test.each(filesOf('accepted'))('accepted/%s is read, and as llhttp reads it', async (_, bytes) => {
    const { messages, refused } = readRequests([bytes]);
    expect(refused).toBeNull();
    expect(messages.length).toBeGreaterThan(0);
    expect(messages.every(({ complete }) => complete)).toBe(true);
    expect(await agreesWithLlhttp(bytes)).toBe(messages.length);
    everySplitAgrees(bytes);
  });

  test.each(filesOf('refused'))('refused/%s is refused with its status, however it is split', (name, bytes) => {
    expect(readRequests([bytes]).refused).toBe(Number(name.slice(0, 3)));
    if (bytes.length < 2_000) everySplitAgrees(bytes);
  });

  test('the limits of a head are what is taken, and one more is not', () => {
    const room = headBytesMax - Buffer.byteLength('GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n');
    expect(readRequests(withFields(`X: ${'x'.repeat(room)}\r\n`)).refused).toBeNull();
    expect(readRequests(withFields(`X: ${'x'.repeat(room + 1)}\r\n`)).refused).toBe(431);
    expect(readRequests(withFields('X: y\r\n'.repeat(headFieldsMax - 1))).refused).toBeNull();
    expect(readRequests(withFields('X: y\r\n'.repeat(headFieldsMax))).refused).toBe(431);
  });

  test('what we accept llhttp accepts, with the same meaning', async () => {
    let compared = 0;
    await fc.assert(fc.asyncProperty(requestBytes, async (bytes) => { compared += await agreesWithLlhttp(bytes); }), { numRuns: 1_500 });
    expect(compared).toBeGreaterThan(250);
  });

  test('nothing that arrives is anything but read, waited for or refused', () => {
    fc.assert(fc.property(fc.array(requestBytes, { maxLength: 3 }), (pieces) => { readRequests(pieces); }), { numRuns: 3_000 });
  });

  test('where the bytes are split changes nothing', () => {
    fc.assert(fc.property(requestBytes.filter((bytes) => bytes.length < 400), everySplitAgrees), { numRuns: 60 });
  });

  test('the name of a host is that without port, last dot and capitals', () => {
    expect(['Example.COM', 'example.com.', 'example.com:80', 'example.com.:8080', '[::1]:80', '127.0.0.1'].map(hostName))
      .toEqual(['example.com', 'example.com', 'example.com', 'example.com', '[::1]', '127.0.0.1']);
    for (const host of ['', '.', '..', 'a..', 'a:b', '[::1', '::1', 'a b', 'a/b', 'é.example']) expect(() => hostName(host), host).toThrow(Refusal);
  });
});

describe('responses', () => {
  test.each(filesOf('responses-accepted'))('responses-accepted/%s is read, and as llhttp reads it', async (_, bytes) => {
    const head = new ResponseHead();
    expect(head.parse(bytes, 0, 0, false)).toBe(true);
    const theirs = await llhttpResponse(bytes, 'GET');
    expect(theirs).toMatchObject({ status: head.status, complete: true });
    expect(Array.from({ length: head.fields.count }, (_, i) => [head.fields.name(bytes, i), head.fields.value(bytes, i)]).flat()).toEqual(theirs?.headers);
    if (head.framing.body === Body.none) expect(theirs?.body).toBe('');
    if (head.framing.body === Body.length) expect(theirs?.body.length).toBe(head.framing.length);
    for (let at = 1; at < head.end; at++) {
      const again = new ResponseHead();
      expect(again.parse(bytes.subarray(0, at), 0, 0, false)).toBe(false);
      expect(again.parse(bytes, 0, at, false)).toBe(true);
    }
  });

  test.each(filesOf('responses-refused'))('responses-refused/%s is a bad gateway', (_, bytes) => {
    expect(() => new ResponseHead().parse(bytes, 0, 0, false)).toThrow(expect.objectContaining({ status: 502 }) as Error);
  });

  test('what we accept llhttp accepts, with the same status and length', async () => {
    let compared = 0;
    await fc.assert(fc.asyncProperty(responseBytes, fc.constantFrom('GET', 'HEAD'), async (bytes, method) => {
      const head = new ResponseHead();
      let complete;
      try {
        complete = head.parse(bytes, 0, 0, method === 'HEAD');
      } catch (error) {
        if (error instanceof Refusal) return;
        throw error;
      }
      // 1xx are events of their own in Node.
      if (!complete || head.status < 200) return;
      const theirs = await llhttpResponse(bytes, method);
      compared++;
      expect(theirs?.status).toBe(head.status);
      if (head.framing.body === Body.none) expect(theirs).toMatchObject({ body: '', complete: true });
      if (head.framing.body === Body.length) expect(theirs?.body.length).toBe(Math.min(head.framing.length, bytes.length - head.end));
      if (head.framing.body === Body.untilClose) expect(theirs).toMatchObject({ complete: false, body: bytes.toString('latin1', head.end) });
    }), { numRuns: 800 });
    expect(compared).toBeGreaterThan(100);
  });
});
