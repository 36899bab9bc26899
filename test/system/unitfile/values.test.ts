/** Time spans by systemd-analyze, names and paths by systemd-escape. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapePath, parseTimeSpanUsec, unescapeUnitName } from '../../../src/unitfile/index.ts';
import { testBox } from '../../support/test-box.ts';
import { oracleTest } from '../../support/oracle.ts';

const box = testBox();

/** One process for many values: it is slow to start. It ends at the first it cannot read, so those go one by one. */
async function analyze(spans: readonly string[]): Promise<{ code: number; usec: string[] }> {
  const { code, stdout } = await box.exec(['systemd-analyze', 'timespan', '--', ...spans], { env: { LC_ALL: 'C.UTF-8' } });
  return { code, usec: [...stdout.matchAll(/^\s*(?:μs|us): (\d+)$/gm)].map(([, usec]) => usec as string) };
}

const unit = fc.constantFrom('', 's', 'sec', 'second', 'seconds', 'm', 'min', 'minute', 'minutes', 'h', 'hr', 'hour', 'hours', 'd', 'day', 'days', 'w', 'week', 'weeks',
  'M', 'month', 'months', 'y', 'year', 'years', 'ms', 'msec', 'us', 'usec', 'µs');
const number = fc.oneof(fc.nat(1000).map(String), fc.tuple(fc.nat(99), fc.nat(9_999_999)).map(([a, b]) => `${a}.${b}`), fc.nat(99).map((n) => `.${n}`), fc.nat(99).map((n) => `+00${n}`));
const space = fc.constantFrom('', ' ', '  ', '\t');
// A space after each part: "3" "5min" without one would be another value, which is fine, but rarely one that can be read.
const span = fc.array(fc.tuple(number, space, unit, fc.constantFrom(' ', '  ')), { minLength: 1, maxLength: 4 }).map((parts) => parts.flat().join(''));

oracleTest('time spans as systemd-analyze reads them', 60_000, async (seed) => {
  const spans = ['infinity', ' infinity ', ...fc.sample(span, { numRuns: 1_500, seed })];
  const { code, usec } = await analyze(spans);
  expect(code).toBe(0);
  const ours = spans.map((text) => String(parseTimeSpanUsec(text)));
  expect(spans.map((text, i) => [text, ours[i]])).toEqual(spans.map((text, i) => [text, usec[i]]));
});

const odd = [
  '1 .5', '12.34 .56', '12.34s.56', '1s2', '1min2s', '5 5', '1.s', '12.34.56', '1..2', '- 5', '-0', '5x', '5 x', 'infinity5', 'inf', '+5', '+ 5', '1e3', '0x5', '5minx', '١',
  '9223372036854', '9223372036855s', '18446744073709', '18446744073710', '99999999999999999999us', '9223372036854775807us', '9223372036854775808us', '1.99999999999999999999s', '',
  '584542y', '584543y', '1\u03bcs', '1\u00b5s', '00000000000000000000000000001', '1s\n', '3.+1', '.', '. 5', 'm5', '5µ',
];

test('odd time spans are refused and read as by systemd-analyze', async () => {
  const script = 'for span; do systemd-analyze timespan -- "$span" 2>/dev/null | sed -n "s/^ *[μu]s: //p"; echo .; done';
  const theirs = (await box.run(['sh', '-c', script, 'sh', ...odd], { env: { LC_ALL: 'C.UTF-8' } })).split('.\n').slice(0, -1).map((text) => /^(\d+)$/m.exec(text)?.[1] ?? null);
  const ours = odd.map((text) => {
    try {
      return String(parseTimeSpanUsec(text));
    } catch {
      return null;
    }
  });
  expect(odd.map((text, i) => [text, ours[i]])).toEqual(odd.map((text, i) => [text, theirs[i]]));
});

oracleTest('names unescaped as by systemd-escape', 60_000, async (seed) => {
  const name = fc.array(fc.constantFrom('a', '-', '.', '_', '\\x2d', '\\xc3\\xa4', '\\x20', '0', ':'), { minLength: 1, maxLength: 8 }).map((parts) => `a${parts.join('')}`);
  const names = fc.sample(name, { numRuns: 200, seed });
  const stdout = await box.run(['systemd-escape', '--unescape', '--', ...names]);
  // It prints them with spaces between, and those of a name look the same, at its end too.
  expect(stdout.replace(/\n$/, '')).toBe(names.map(unescapeUnitName).join(' '));
});

oracleTest('paths escaped as by systemd-escape --path', 60_000, async (seed) => {
  const path = fc.array(fc.constantFrom('a', '/', '//', '.', './', '-', 'ä', ' ', '.b', '\\', '@'), { minLength: 1, maxLength: 8 }).map((parts) => `/${parts.join('')}`);
  const paths = fc.sample(path, { numRuns: 300, seed }).filter((text) => !text.split('/').includes('..'));
  const stdout = await box.run(['systemd-escape', '--path', '--', ...paths]);
  expect(stdout.replace(/\n$/, '').split(' ')).toEqual(paths.map(escapePath));
});
