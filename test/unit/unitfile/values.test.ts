import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  expandSpecifiers, nameSpecifiers, parseBoolean, parseEnvironment, parseInteger, parseIpv6, parsePermyriad, parseSignal, parseSize, parseSocketAddress,
  parseTimeSpan, parseTimeSpanUsec, splitUnitName, splitWords, suggest, UnitValueError, type UnitName,
} from '../../../src/unitfile/index.ts';

const readers: readonly (readonly [string, (text: string) => unknown])[] = [
  ['boolean', parseBoolean], ['environment', parseEnvironment], ['integer', (text) => parseInteger(text, 1n, 10n)], ['permyriad', parsePermyriad],
  ['signal', parseSignal], ['size', parseSize], ['socket address', parseSocketAddress], ['time span', parseTimeSpan],
  ['words', splitWords], ['strict words', (text) => splitWords(text, 'refuse')], ['specifiers', (text) => expandSpecifiers(text, { i: 'x' })],
];

const valueText = fc.array(fc.oneof(
  fc.constantFrom('1', '0', '.', '%', '%i', '‰', ' ', '\\', '\\x', '\\u', '\\x41', '"', "'", '=', 'A=b', '[', ']:', '::', ':', '/', '@', '-', '+', 'min', 's', 'K', 'SIG', 'RTMIN', 'yes', 'infinity'),
  fc.string({ unit: 'binary', maxLength: 3 }),
), { maxLength: 20 }).map((parts) => parts.join(''));

test.each(readers)('%s: throws nothing but UnitValueError', (_name, read) => {
  fc.assert(fc.property(valueText, (text) => {
    try {
      read(text);
    } catch (error) {
      expect(error).toBeInstanceOf(UnitValueError);
      expect((error as UnitValueError).offset).toBeLessThanOrEqual(text.length);
      expect((error as UnitValueError).message.length).toBeLessThan(400);
    }
  }), { numRuns: 2_000 });
});

/** Quadratic time would take minutes. */
test.each(readers)('%s: a megabyte of anything', (_name, read) => {
  for (const part of ['1', '0', '.', ' ', '\\', '"', "'a", 'a', '1s', '1 ', '=', ':', '%', '%%', '\\x41', '[', '/', 'A=b ']) {
    const text = part.repeat(1_000_000 / part.length);
    try {
      read(text);
    } catch (error) {
      expect(error).toBeInstanceOf(UnitValueError);
    }
  }
});

test.each([['1', true], ['YES', true], ['on', true], ['t', true], ['no', false], ['Off', false], ['n', false]])('boolean %s', (text, value) => {
  expect(parseBoolean(text)).toBe(value);
});

test.each([
  ['5min', 300_000], ['1h 30', 3_630_000], ['1.5s', 1500], ['infinity', Infinity], ['20', 20_000], ['1us', 0.001], ['2M', 5_259_600_000], ['.5', 500], ['1y', 31_557_600_000],
])('time span %s', (text, ms) => expect(parseTimeSpan(text)).toBe(ms));
test.each(['', '-1', '1..2', '5mn', '1.', '12.34.56', 'infinity 1', '99999999999999999999'])('no time span: %j', (text) => {
  expect(() => parseTimeSpanUsec(text)).toThrow(UnitValueError);
});

test.each<[string, bigint]>([['0', 0n], ['256M', 268_435_456n], ['1.5G', 1_610_612_736n], ['1G 512M', 1_610_612_736n], ['7B', 7n], ['10.M', 10_485_760n], ['1T', 2n ** 40n]])('size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});
test.each(['', 'M', '1X', '-1', '512M 1G', '16E', '1M 1M'])('no size: %j', (text) => expect(() => parseSize(text)).toThrow(UnitValueError));

test.each([['50%', 5000], ['12.5%', 1250], ['12.34%', 1234], ['125‰', 1250], ['1250‱', 1250], ['400%', 40_000]])('percentage %s', (text, value) => {
  expect(parsePermyriad(text)).toBe(value);
});
test('a bare number is no percentage, and the message knows what was meant', () => {
  expect(() => parsePermyriad('50')).toThrow(expect.objectContaining({ suggestion: '50%' }));
});

test.each([
  ['a b  c', ['a', 'b', 'c']], ['"a b" \'c d\'', ['a b', 'c d']], ['a"b c"d', ['ab cd']], ['""', ['']], ['\\x41\\101\\n\\s', ['AA\n ']],
  ['\\u00e4 \\xc3\\xa4', ['ä', 'ä']], ["'a\\'b'", ["a'b"]], ['a\\ b', ['a\\ b']], ['\\q', ['\\q']], ['a\\', ['a\\']], ['\\U0001f600', ['😀']], ['', []],
])('words %j', (text, words) => expect(splitWords(text).map((word) => word.text)).toEqual(words));
test.each(['"a', "'", 'a "b\\', '\\xff'])('no words: %j', (text) => expect(() => splitWords(text)).toThrow(UnitValueError));
const escaped = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
test('words quoted as systemd quotes them come back', () => {
  const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0') && text.isWellFormed());
  fc.assert(fc.property(fc.array(word), (words) => {
    expect(splitWords(words.map(escaped).join(' '), 'refuse').map(({ text }) => text)).toEqual(words);
  }));
});

test('environment', () => {
  expect(parseEnvironment('A=1 "B=x y" C="a=b" D=%i%%', { i: 'inst' })).toEqual([['A', '1'], ['B', 'x y'], ['C', 'a=b'], ['D', 'inst%']]);
  for (const bad of ['A', '1A=x', 'A=\\q', '=x']) expect(() => parseEnvironment(bad)).toThrow(UnitValueError);
});

test.each([
  ['8080', { kind: 'port', port: 8080 }], ['127.0.0.1:80', { kind: 'ipv4', address: '127.0.0.1', port: 80 }],
  ['[::1]:80', { kind: 'ipv6', address: '::1', port: 80, zone: null }], ['[FE80::0:1%eth0]:80', { kind: 'ipv6', address: 'fe80::1', port: 80, zone: 'eth0' }],
  ['/run/x', { kind: 'path', path: '/run/x' }], ['@abc', { kind: 'abstract', name: 'abc' }],
])('socket address %s', (text, address) => expect(parseSocketAddress(text)).toEqual(address));
test.each(['', '0', '65536', 'x', '1.2.3:80', '1.2.3.4', '1.2.3.4:', '[::1]', '[::g]:1', '/', '@', `/${'x'.repeat(107)}`, '08'])('no socket address: %j', (text) => {
  expect(() => parseSocketAddress(text)).toThrow(UnitValueError);
});

test.each([
  ['::', '::'], ['1:0:0:2:0:0:0:3', '1:0:0:2::3'], ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'], ['::ffff:1.2.3.4', '::ffff:102:304'], ['0:0:0:0:0:0:0:0', '::'],
  [':::', null], ['1::2::3', null], ['1:2', null], ['1:2:3:4:5:6:7:8:9', null], [':1:2:3:4:5:6:7', null], ['1:2:3:4:5:6:7:8::', null],
])('IPv6 %s', (text, canonical) => expect(parseIpv6(text)).toBe(canonical));

test.each([['SIGTERM', 'TERM'], ['TERM', 'TERM'], ['15', 'TERM'], ['RTMIN+3', 'RTMIN+3'], ['SIGRTMAX', 'RTMIN+30'], ['34', 'RTMIN']])('signal %s', (text, name) => {
  expect(parseSignal(text)).toBe(name);
});
test('a mistyped signal', () => expect(() => parseSignal('SIGTREM')).toThrow(expect.objectContaining({ suggestion: 'SIGTERM' })));

test('specifiers of a name', () => {
  const context = nameSpecifiers(splitUnitName('a-blog@al-ice.container') as UnitName);
  expect(expandSpecifiers('%n|%N|%p|%i|%I|%j|%%i|100%', context)).toBe('a-blog@al-ice.container|a-blog@al-ice|a-blog|al-ice|al/ice|blog|%i|100%');
  expect(() => expandSpecifiers('x%my', context)).toThrow(expect.objectContaining({ offset: 1 }));
});

test.each([['Enviroment', 'Environment'], ['exec', 'Exec'], ['Xyzzy', null], ['Volme', 'Volume']])('nearest to %s', (word, near) => {
  expect(suggest(word, ['Environment', 'EnvironmentFile', 'Exec', 'Volume'])).toBe(near);
});
