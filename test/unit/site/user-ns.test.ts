import { expect, test } from 'vitest';
import { NotSupportedError } from '../../../src/site/reading.ts';
import { parseUserNs } from '../../../src/site/user-ns.ts';

test.each<[string, ReturnType<typeof parseUserNs>]>([
  ['auto', { ids: 65_536, required: true }], ['auto:size=1', { ids: 1, required: true }], ['auto:size=100000', { ids: 100_000, required: true }], ['host', null],
])('UserNS=%s', (text, value) => {
  expect(parseUserNs(text)).toEqual(value);
});

test.each([
  ['keep-id', 'nobody runs a site'], ['keep-id:uid=1', 'nobody runs a site'], ['nomap', 'nobody runs a site'], ['private', '`auto` chooses'], ['ns:/proc/1/ns/user', 'before the site'],
  ['container:x', 'podman'], ['auto:uidmapping=0:1:2', 'keep their owners'],
])('UserNS=%s is refused, and why', (text, why) => {
  expect(() => parseUserNs(text)).toThrow(NotSupportedError);
  expect(() => parseUserNs(text)).toThrow(why);
});

test.each(['', 'Auto', 'auto:', 'auto:size', 'auto:size=0', 'auto:size=x', 'auto:size=805306369', 'host:', 'host:x', 'auto:foo=1'])('UserNS=%s is a mistake', (text) => {
  expect(() => parseUserNs(text)).toThrow(/^Expected /);
});
