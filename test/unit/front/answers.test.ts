/** What programs answer, through the front door, held against what Node's llhttp reads of it without: nobody may take it for another answer, or for more than one. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chunk, fieldLine, lastChunk, mutated } from './arbitrary.ts';
import { llhttpResponse, type ResponseReading } from './llhttp.ts';
import { Scene, type Wire } from './scene.ts';

const hop = new Set(['connection', 'keep-alive', 'proxy', 'proxy-connection', 'proxy-authorization', 'proxy-authenticate', 'te', 'upgrade', 'http2-settings']);

/** What is to be left of an answer behind one hop. */
function passedOn({ status, headers, body, trailers, interim }: ResponseReading): object {
  return { status, body, trailers, headers: fieldsOf(headers, status), interim: interim.map(([each, ...fields]) => [each, ...fieldsOf(fields, each)]) };
}

/** What has come, beside our own `Connection: close` and `Date`. */
function arrived({ status, headers, body, trailers, interim }: ResponseReading): object {
  return { status, body, trailers, headers: linesOf(headers).filter((line) => line !== 'connection: close' && !line.startsWith('date: ')), interim: interim.map(([each, ...fields]) => [each, ...linesOf(fields)]) };
}

function linesOf(raw: readonly string[]): string[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [`${name.toLowerCase().replaceAll('_', '-')}: ${raw[i + 1]}`] : []));
}

function fieldsOf(raw: readonly string[], status: number): string[] {
  const fields = raw.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name.toLowerCase().replaceAll('_', '-'), raw[i + 1] ?? '']] : []));
  const named = new Set(fields.flatMap(([name, value]) => (name === 'connection' ? value.split(',').map((each) => each.trim().toLowerCase()) : [])));
  const bodiless = status < 200 || status === 204 ? ['content-length', 'transfer-encoding'] : [];
  return fields.filter(([name]) => !hop.has(name) && !named.has(name) && !bodiless.includes(name)).map(([name, value]) => `${name}: ${value}`);
}

const interim = fc.constantFrom('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: y\r\n\r\n', 'HTTP/1.1 102 Processing\r\nContent-Length: 3\r\n\r\n');
const status = fc.oneof({ weight: 8, arbitrary: fc.constant('200 OK') }, { weight: 1, arbitrary: fc.constantFrom('204 No Content', '304 Not Modified', '205 Reset Content', '404', '500 ', '999 x', '101 Switching Protocols', '099 x') });
/** Its fields, and the bytes. */
const body: fc.Arbitrary<[string[], string]> = fc.oneof(
  fc.constantFrom<[string[], string]>([[], ''], [[], 'until the end'], [['Content-Length: 0'], ''], [['Content-Length: 3'], 'abc'], [['Content-Length: 3'], 'ab'],
    [['Content-Length: 3'], 'abcHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'], [['Content-Length: 3', 'Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n']),
  fc.tuple(fc.array(chunk, { maxLength: 4 }), lastChunk, fc.constantFrom('', '', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')).map(([chunks, last, more]): [string[], string] => [['Transfer-Encoding: chunked'], chunks.join('') + last + more]),
);
const answer = mutated(fc.tuple(fc.array(interim, { maxLength: 2 }), fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'), status, fc.array(fieldLine, { maxLength: 4 }), body)
  .map(([interims, version, status, fields, [framing, body]]) => `${interims.join('')}${version} ${status}\r\n${[...fields, ...framing].map((field) => `${field}\r\n`).join('')}\r\n${body}`));
/** Where the bytes are cut, in shares of their length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });

let scene: Scene;
let program: (wire: Wire) => Promise<void> = async () => {};
beforeAll(async () => { scene = await Scene.open((wire) => { void program(wire).catch(() => {}); }); });
afterAll(() => scene.close());

const own404 = /HTTP\/1\.1 404 Not Found\r\nDate: [^]*$/;

/** A request that is answered so, and another behind it that the front door answers itself: only if the first was answered with a whole answer, after which its connection goes on. */
async function throughTheFront(method: string, bytes: Buffer, at: readonly number[]): Promise<{ first: string; whole: boolean }> {
  program = async (wire) => {
    await wire.take('\r\n\r\n');
    const ends = [...at.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b), bytes.length];
    for (const [i, end] of ends.entries()) {
      await new Promise<void>((resolve) => { wire.socket.write(bytes.subarray(i === 0 ? 0 : ends[i - 1], end), () => setImmediate(resolve)); });
    }
    wire.socket.end();
  };
  const client = scene.client({ dated: true });
  client.send(`${method} / HTTP/1.1\r\nHost: a.example\r\n\r\nGET / HTTP/1.1\r\nHost: none.example\r\n\r\n`);
  const text = await client.rest();
  client.socket.destroy();
  const first = text.replace(own404, '');
  return { first, whole: first !== text };
}

test('an answer means to the client of the front door what it means to the front door, and ends where it ends', async () => {
  const seen = { whole: 0, untilClose: 0, cutOff: 0, refused: 0 };
  await fc.assert(fc.asyncProperty(fc.constantFrom('GET', 'GET', 'GET', 'HEAD'), answer, cuts, async (method, bytes, at) => {
    const { first, whole } = await throughTheFront(method, bytes, at);
    if (/HTTP\/1\.1 502 Bad Gateway\r\nDate: /.test(first)) {
      seen.refused++;
      return;
    }
    const theirs = await llhttpResponse(bytes, method, true);
    if (whole) {
      seen.whole++;
      // By itself, and with anything behind it: it says itself where it ends.
      for (const behind of ['', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n']) {
        const ours = await llhttpResponse(Buffer.from(first + behind, 'latin1'), method);
        expect(ours).not.toBeNull();
        expect(arrived(ours as ResponseReading)).toEqual(theirs === null ? null : passedOn(theirs));
        expect(ours?.complete).toBe(true);
      }
      return;
    }
    // It ends with the connection, and says so; or the program has not said all of it, which shows.
    const ours = await llhttpResponse(Buffer.from(first, 'latin1'), method, true);
    if (ours === null) {
      seen.cutOff++;
      expect(theirs).toBeNull();
      return;
    }
    expect(arrived(ours)).toEqual(theirs === null ? null : passedOn(theirs));
    expect(ours.complete).toBe(theirs?.complete);
    if (ours.complete) {
      seen.untilClose++;
      expect(ours.headers.map((each) => each.toLowerCase())).toContain('close');
    } else {
      seen.cutOff++;
    }
  }), { numRuns: 600 });
  expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(10);
}, 60_000);
