import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapePath, parseTimeSpanUsec, unescapeUnitName } from '../../../src/unitfile/index.ts';

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** One process for many values: it is slow to start. It ends at the first it cannot read, so those go one by one. */
function analyze(spans: readonly string[]): { status: number | null; usec: string[] } {
  const { status, stdout } = spawnSync('systemd-analyze', ['timespan', '--', ...spans], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  return { status, usec: [...stdout.matchAll(/^\s*(?:μs|us): (\d+)$/gm)].map(([, usec]) => usec as string) };
}

const unit = fc.constantFrom('', 's', 'sec', 'second', 'seconds', 'm', 'min', 'minute', 'minutes', 'h', 'hr', 'hour', 'hours', 'd', 'day', 'days', 'w', 'week', 'weeks',
  'M', 'month', 'months', 'y', 'year', 'years', 'ms', 'msec', 'us', 'usec', 'µs');
const number = fc.oneof(fc.nat(1000).map(String), fc.tuple(fc.nat(99), fc.nat(9_999_999)).map(([a, b]) => `${a}.${b}`), fc.nat(99).map((n) => `.${n}`), fc.nat(99).map((n) => `+00${n}`));
const space = fc.constantFrom('', ' ', '  ', '\t');
// A space after each part: "3" "5min" without one would be another value, which is fine, but rarely one that can be read.
const span = fc.array(fc.tuple(number, space, unit, fc.constantFrom(' ', '  ')), { minLength: 1, maxLength: 4 }).map((parts) => parts.flat().join(''));

test.skipIf(!has('systemd-analyze'))('time spans as systemd-analyze reads them', () => {
  const spans = ['infinity', ' infinity ', ...fc.sample(span, 1_500)];
  const { status, usec } = analyze(spans);
  expect(status).toBe(0);
  const ours = spans.map((text) => String(parseTimeSpanUsec(text)));
  expect(spans.map((text, i) => [text, ours[i]])).toEqual(spans.map((text, i) => [text, usec[i]]));
});

test.skipIf(!has('systemd-analyze')).each([
  '1 .5', '12.34 .56', '12.34s.56', '1s2', '1min2s', '5 5', '1.s', '12.34.56', '1..2', '- 5', '-0', '5x', '5 x', 'infinity5', 'inf', '+5', '+ 5', '1e3', '0x5', '5minx', '١',
  '9223372036854', '9223372036855s', '18446744073709', '18446744073710', '99999999999999999999us', '9223372036854775807us', '9223372036854775808us', '1.99999999999999999999s', '',
  '584542y', '584543y', '1\u03bcs', '1\u00b5s', '00000000000000000000000000001', '1s\n', '3.+1', '.', '. 5', 'm5', '5µ',
])('refused and read as by systemd-analyze: %j', (text) => {
  const { status, usec } = analyze([text]);
  let ours: string | null;
  try {
    ours = String(parseTimeSpanUsec(text));
  } catch {
    ours = null;
  }
  expect(ours).toBe(status === 0 ? usec[0] : null);
});

test.skipIf(!has('systemd-escape'))('names unescaped as by systemd-escape', () => {
  const names = fc.sample(fc.array(fc.constantFrom('a', '-', '.', '_', '\\x2d', '\\xc3\\xa4', '\\x20', '0', ':'), { minLength: 1, maxLength: 8 }).map((parts) => `a${parts.join('')}`), 200);
  const { status, stdout } = spawnSync('systemd-escape', ['--unescape', '--', ...names], { encoding: 'utf8' });
  expect(status).toBe(0);
  // It prints them with spaces between, and those of a name look the same, at its end too.
  expect(stdout.replace(/\n$/, '')).toBe(names.map(unescapeUnitName).join(' '));
});

test.skipIf(!has('systemd-escape'))('paths escaped as by systemd-escape --path', () => {
  const paths = fc.sample(fc.array(fc.constantFrom('a', '/', '//', '.', './', '-', 'ä', ' ', '.b', '\\', '@'), { minLength: 1, maxLength: 8 }).map((parts) => `/${parts.join('')}`), 300)
    .filter((path) => !path.split('/').includes('..'));
  const { status, stdout } = spawnSync('systemd-escape', ['--path', '--', ...paths], { encoding: 'utf8' });
  expect(status).toBe(0);
  expect(stdout.replace(/\n$/, '').split(' ')).toEqual(paths.map(escapePath));
});
