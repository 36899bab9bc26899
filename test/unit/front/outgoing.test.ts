import { expect, test } from 'vitest';
import { extendedSuffix, forwardedSuffix } from '../../../src/front/outgoing.ts';
import { RequestHead } from '../../../src/front/request-head.ts';

test('an IPv6 address stands in brackets and quotes in Forwarded, and bare in X-Forwarded-For', () => {
  const suffix = forwardedSuffix('2001:db8::1', 'a.example');
  expect(suffix).toContain('X-Forwarded-For: 2001:db8::1\r\n');
  expect(suffix).toContain('Forwarded: for="[2001:db8::1]";host="a.example";proto=http\r\n');
});

test('a trusted proxy that names nobody is the first in the list', () => {
  const bytes = Buffer.from('GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For:\r\n\r\n');
  const head = new RequestHead();
  expect(head.parse(bytes, 0, 0)).toBe(true);
  expect(extendedSuffix(bytes, head, '192.0.2.1', 'a.example')).toContain('X-Forwarded-For: 192.0.2.1\r\n');
});
