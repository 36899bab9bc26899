import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  escapePath, expandCommand, expandSpecifiers, formatCommandLine, isUnitName, parseCommandLines, parseIpPrefix, quoteWords, unescapePath, unitSpecifiers, type CommandLine, nameSpecifiers, parseBoolean, parseEnvironment, parseIpv6, parsePermyriad, parseSignal, parseSizeBytes, parseSocketAddress,
  nextElapse, parseCalendarEvent, parseTimeSpanMs, parseTimeSpanUsec, splitUnitName, splitWords, suggest, UnitValueError, type UnitName,
} from '../../../src/unitfile/index.ts';

test.each([['1', true], ['YES', true], ['on', true], ['t', true], ['no', false], ['Off', false], ['n', false]])('boolean %s', (text, value) => {
  expect(parseBoolean(text)).toBe(value);
});

test.each([
  ['5min', 300_000], ['1h 30', 3_630_000], ['1.5s', 1500], ['infinity', Infinity], ['20', 20_000], ['1us', 0.001], ['2M', 5_259_600_000], ['.5', 500], ['1y', 31_557_600_000],
])('time span %s', (text, ms) => expect(parseTimeSpanMs(text)).toBe(ms));
test.each(['', '-1', '1..2', '5mn', '1.', '12.34.56', 'infinity 1', '99999999999999999999'])('no time span: %j', (text) => {
  expect(() => parseTimeSpanUsec(text)).toThrow(UnitValueError);
});

test.each<[string, bigint]>([['0', 0n], ['256M', 268_435_456n], ['1.5G', 1_610_612_736n], ['1G 512M', 1_610_612_736n], ['7B', 7n], ['10.M', 10_485_760n], ['1T', 2n ** 40n]])('size %s', (text, bytes) => {
  expect(parseSizeBytes(text)).toBe(bytes);
});
test.each(['', 'M', '1X', '-1', '512M 1G', '16E', '1M 1M'])('no size: %j', (text) => expect(() => parseSizeBytes(text)).toThrow(UnitValueError));

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

const anyText = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => text.isWellFormed() && !text.includes('\0'));

test('what quoteWords writes, splitWords reads', () => {
  fc.assert(fc.property(fc.array(anyText), (words) => {
    expect(splitWords(quoteWords(words), 'refuse').map(({ text }) => text)).toEqual(words);
  }));
});

test('what formatCommandLine writes, parseCommandLines reads', () => {
  fc.assert(fc.property(fc.array(anyText, { maxLength: 4 }), (words) => {
    const [command, ...rest] = parseCommandLines(formatCommandLine(['/bin/a', ...words]));
    expect(rest).toEqual([]);
    expect(expandCommand(command as CommandLine, {})).toEqual(['/bin/a', ...words]);
  }));
});

test.each([['/', '-'], ['/srv/a-b', 'srv-a\\x2db'], ['//a/./b//', 'a-b']])('path %s', (path, name) => {
  expect(escapePath(path)).toBe(name);
  expect(escapePath(unescapePath(name) as string)).toBe(name);
});

test.each(['-a', 'a--b', 'a-', '', 'a-..-b'])('no path: %j', (name) => expect(unescapePath(name)).toBeNull());

test.each<[string, boolean, string | undefined]>([
  ['a.service', true, 'plain'], ['a@.service', true, 'template'], ['a@b.service', true, 'instance'], ['a@b.service', false, 'plain'], ['a', false, undefined], ['.service', false, undefined],
  ['@a.service', false, undefined], ['a b.service', false, undefined], ['a.bogus', false, undefined], [`${'a'.repeat(248)}.service`, false, undefined], ['a.container', true, undefined],
])('unit name %s', (name, valid, kind) => expect(isUnitName(name, kind as 'plain' | undefined)).toBe(valid));

test.each<[string, string, string]>([
  ['IPv4', '10.1.2.3/20', '10.1.0.0/20'], ['IPv6', '2001:db8:ffff::1/33', '2001:db8:8000::/33'], ['one address', '::1', '::1/128'],
])('IP prefix, %s', (_name, text, expected) => {
  const { address, length } = parseIpPrefix(text);
  expect(`${address}/${length}`).toBe(expected);
});

test('specifiers of a user\'s manager', () => {
  const user = { name: 'al', uid: 5, group: 'al', gid: 6, home: '/home/al', runtimeDir: '/run/user/5' };
  const context = unitSpecifiers({ manager: 'user', user, host: { osRelease: { ID: 'debian' }, hostName: 'a.b.c' }, fragmentPath: '/x/y.service' });
  expect(expandSpecifiers('%u %U %G %h %t %E %C %S %L %o %w| %H %l %y %Y', context)).toBe('al 5 6 /home/al /run/user/5 /home/al/.config /home/al/.cache /home/al/.local/state /home/al/.local/state/log debian | a.b.c a /x/y.service /x');
  expect(() => expandSpecifiers('%m', context)).toThrow(UnitValueError);
});

test.each([
  ['*-1..2,7/9,8 2:0', '2025-12-31T00:00:00Z', '2026-01-01T02:00:00.000Z'], ['*-*-1,18/11 Australia/Lord_Howe', '2026-03-28T23:17:41Z', '2026-03-31T13:00:00.000Z'],
])('a repetition that goes beyond the end of a month passes over no day of the next: %s', (text, after, next) => {
  expect(new Date(nextElapse(parseCalendarEvent(text), Date.parse(after)) as number).toISOString()).toBe(next);
});

test.each([['5 mins', '5 min'], ['5 mins x', null], ['5 mins 3 hourz', null]])('the time span %j is told with what it is near to, if that is one: %j', (text, suggestion) => {
  expect(() => parseTimeSpanMs(text)).toThrow(expect.objectContaining({ suggestion }));
});
