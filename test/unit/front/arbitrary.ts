import fc from 'fast-check';
import { anyCharacter } from '../../support/any-character.ts';

/** Mostly well-formed, with every ingredient of known attacks among the pieces, and a byte changed here and there. */
export const fieldLine = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('X: y', 'Accept: */*', 'Cookie: a=b; c="d"', 'Empty:', 'Tabs:\t x \t', 'Connection: close', 'Connection: keep-alive, x',
    'Expect: 100-continue', 'Upgrade: h2c', 'TE: trailers', 'Trailer: X-Sum') },
  { weight: 2, arbitrary: fc.constantFrom('Content-Length: 3', 'Transfer-Encoding: chunked', 'Content-Length: 3, 3', 'Content-Length : 3', 'Content-Length: +3', 'Content-Length:', 'Content_Length: 3',
    'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding:\tchunked', 'Transfer-Encoding: chunked ', 'Transfer-Encoding: chunked\t', 'Content-Length: 3\t', 'Content-Length: 3 ', 'Content-Length:\t3', 'Connection: close\t', 'Connection:\tclose,', 'Connection: close close', 'Host:\ta\t', 'Transfer-Encoding: "chunked"', 'Transfer-Encoding: chunked;q=1',
    'Host: b', ' folded: x', 'Bad Name: x', ': x', 'NoColon', 'X: a\rb', 'X: a\nb', 'X: \0', 'Connection: host', 'Connection: upgrade') },
  { weight: 1, arbitrary: fc.string({ unit: anyCharacter, maxLength: 12 }) },
);
export const goodChunk = fc.constantFrom('3\r\nabc\r\n', '0A\r\n0123456789\r\n', '1;a=b\r\nx\r\n', '1;a="b;\\"c"\r\nx\r\n');
const badChunk = fc.constantFrom('2\nab\r\n', '1 \r\nx\r\n', '0\r\n\r\n', '0\r\nX: y\r\n\r\n', '0\r\nContent-Length: 1\r\n\r\n', '-1\r\n', 'g\r\n');
export const chunk = fc.oneof({ weight: 12, arbitrary: goodChunk }, { weight: 1, arbitrary: badChunk });
export const lastChunk = fc.constantFrom('0\r\n\r\n', '000;x\r\nX-Sum: 1\r\n\r\n', '0\r\nX: \t\r\nY: z\r\n\r\n', '');
/** Its field, and the bytes. */
const body: fc.Arbitrary<[string[], string]> = fc.oneof(
  fc.constant<[string[], string]>([[], '']),
  fc.constantFrom<[string[], string]>([['Content-Length: 3'], 'abc'], [['Content-Length: 0'], ''], [['Content-Length: 3'], 'abcd'], [['Content-Length: 3'], 'ab']),
  fc.tuple(fc.array(chunk, { maxLength: 4 }), lastChunk).map(([chunks, last]): [string[], string] => [['Transfer-Encoding: chunked'], chunks.join('') + last]),
);
const target = fc.oneof({ weight: 12, arbitrary: fc.constantFrom('/', '/a?b=c', 'http://a/', 'http://a', 'http://a?x', '//a/b', '/%00', '/..') }, { weight: 2, arbitrary: fc.constantFrom('a:443', 'a') }, { weight: 1, arbitrary: fc.constantFrom('*', 'http://b/', '') }, { weight: 1, arbitrary: fc.string({ maxLength: 6 }) });
const method = fc.oneof({ weight: 12, arbitrary: fc.constantFrom('GET', 'POST', 'OPTIONS', 'HEAD', 'DELETE', 'PROPFIND', 'M-SEARCH') }, { weight: 1, arbitrary: fc.constantFrom('get', 'FOO') }, { weight: 2, arbitrary: fc.constant('CONNECT') });
const version = fc.oneof({ weight: 8, arbitrary: fc.constant('HTTP/1.1') }, { weight: 1, arbitrary: fc.constantFrom('HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ') });
const lineEnd = fc.oneof({ weight: 40, arbitrary: fc.constant('\r\n') }, { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', ' \r\n') });
const request = fc.tuple(fc.constantFrom('', '', '', '\r\n', '', '', '\n'), method, target, version, fc.integer({ min: 0, max: 9 }), fc.array(fieldLine, { maxLength: 5 }), body, lineEnd)
  .map(([before, method, target, version, hosts, fields, [framing, body], end]) =>
    `${before}${method} ${target} ${version}${end}${[...(hosts === 0 ? [] : [target.endsWith(':443') ? 'Host: a:443' : 'Host: a']), ...fields, ...framing].map((field) => `${field}\r\n`).join('')}\r\n${body}`);

export function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  const change = fc.option(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0x0D, 0x0A, 0x20, 0x09, 0x00, 0x3A, 0x80), fc.nat(255)), fc.constantFrom('replace', 'insert', 'delete')), { freq: 2 });
  return fc.tuple(text, change).map(([text, change]) => {
    const bytes = [...Buffer.from(text, 'latin1')];
    if (change !== null && bytes.length > 0) {
      const [position, byte, how] = change;
      bytes.splice(position % bytes.length, how === 'insert' ? 0 : 1, ...(how === 'delete' ? [] : [byte]));
    }
    return Buffer.from(bytes);
  });
}

export const requestBytes = mutated(fc.array(request, { minLength: 1, maxLength: 3 }).map((requests) => requests.join('')));
export const responseBytes = mutated(fc.tuple(
  fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'ICY'), fc.constantFrom('200 OK', '200', '200 ', '204 No Content', '304 Not Modified', '404 Not Found', '101 Switching Protocols', '099 x', '2000 x'),
  fc.array(fieldLine, { maxLength: 4 }), fc.constantFrom('', 'abc', 'abcd'),
).map(([version, status, fields, body]) => `${version} ${status}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`));
