/** Calendar events against systemd-analyze, many in one process: it is slow to start. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { formatCalendarEvent, nextElapse, parseCalendarEvent, UnitValueError } from '../../../src/unitfile/index.ts';
import { zoneOffset } from '../../../src/unitfile/time-zone.ts';
import { testBox } from '../../support/test-box.ts';
import { oracleTest } from '../../support/oracle.ts';

const box = testBox();

/** systemd 252 loses itself between summer and winter time and says EDEADLK; ours finds the day. */
const gaveUp = 'gave up';

interface Answer { readonly normalized: string | null; readonly next: string | null }

/** By expression; those that systemd does not take are missing in its output, and told by their own words. */
async function analyze(expressions: readonly string[], base: string, zone: string): Promise<Map<string, Answer>> {
  const { stdout, stderr } = await box.exec(['systemd-analyze', 'calendar', `--base-time=${base}`, '--', ...expressions], { env: { LC_ALL: 'C.UTF-8', TZ: zone } });
  const answers = new Map<string, Answer>();
  for (const block of stdout.split(/\n\n+/)) {
    // Where the form is normal already there is no original.
    const row = (title: string): string | null => new RegExp(`^\\s*${title}: (.*)$`, 'm').exec(block)?.[1] ?? null;
    const normalized = row('Normalized form');
    if (normalized === null) continue;
    const next = row('\\(in UTC\\)') ?? row('Next elapse');
    answers.set(row('Original form') ?? normalized, { normalized, next: next === 'never' ? null : next?.replace(/^\w+ (\S+) (\S+) UTC$/, '$1T$2Z') ?? null });
  }
  for (const [, expression] of stderr.matchAll(/Failed to parse calendar specification '(.*)': /g)) answers.set(expression as string, { normalized: null, next: null });
  for (const [, expression] of stderr.matchAll(/Failed to determine next elapse for '(.*)': Resource deadlock avoided/g)) answers.set(expression as string, { normalized: gaveUp, next: null });
  return answers;
}

function ours(expression: string, baseMs: number, zone: string): Answer {
  try {
    const event = parseCalendarEvent(expression);
    const next = nextElapse(event, baseMs, zone);
    return { normalized: formatCalendarEvent(event), next: next === null ? null : `${new Date(Math.floor(next / 1000) * 1000).toISOString().slice(0, 19)}Z` };
  } catch (error) {
    if (!(error instanceof UnitValueError)) throw error;
    return { normalized: null, next: null };
  }
}

const component = (low: number, high: number): fc.Arbitrary<string> => {
  const number = fc.integer({ min: low, max: high });
  return fc.oneof(
    { weight: 6, arbitrary: number.map(String) }, { weight: 2, arbitrary: number.map((n) => String(n).padStart(2, '0')) },
    { weight: 2, arbitrary: fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}..${Math.max(a, b)}`) },
    { weight: 2, arbitrary: fc.tuple(number, fc.integer({ min: 1, max: Math.max(1, (high - low) >> 1) })).map(([a, b]) => `${a}/${b}`) },
    { weight: 1, arbitrary: fc.tuple(number, number, fc.integer({ min: 1, max: 9 })).map(([a, b, c]) => `${a}..${b}/${c}`) },
  );
};
const chain = (low: number, high: number): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, { weight: 5, arbitrary: fc.array(component(low, high), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(',')) });
const second = fc.oneof(chain(0, 59), fc.tuple(fc.nat(59), fc.nat(99_999_999)).map(([a, b]) => `${a}.${b}`), fc.constantFrom('0/0.5', '1.5..4.5/1.5', '*', '59.9999996'));
const day = fc.constantFrom('Mon', 'tue', 'Wednesday', 'Thu', 'FRI', 'Sat', 'Sunday');
const weekdays = fc.oneof(day, fc.tuple(day, day).map((pair) => pair.join('..')), fc.tuple(day, day).map((pair) => pair.join('-')), fc.array(day, { minLength: 2, maxLength: 3 }).map((days) => days.join(',')));
const year = fc.oneof(fc.constant('*'), component(2020, 2040), component(2020, 2040), component(1960, 2210), component(0, 99));
const date = fc.oneof(fc.tuple(year, chain(1, 12), fc.constantFrom('-', '-', '-', '~'), chain(1, 31)).map(([y, m, dash, d]) => `${y}-${m}${dash}${d}`),
  fc.tuple(chain(1, 12), fc.constantFrom('-', '~'), chain(1, 29)).map((parts) => parts.join('')));
const time = fc.oneof(fc.tuple(chain(0, 23), chain(0, 59)).map((parts) => parts.join(':')), fc.tuple(chain(0, 23), chain(0, 59), second).map((parts) => parts.join(':')));
const zone = fc.constantFrom('', '', '', ' UTC', ' Europe/Berlin', ' America/New_York', ' Asia/Kolkata', ' Australia/Lord_Howe', ' utc', ' Pacific/Apia', ' Etc/GMT-3', ' Nowhere/Town', ' europe/berlin');
const expression = fc.tuple(fc.oneof(fc.constant(''), weekdays.map((text) => `${text} `)), fc.oneof(fc.constant(''), date), fc.oneof(fc.constant(''), time), zone)
  .map(([w, d, t, z]) => `${w}${d}${d !== '' && t !== '' ? ' ' : ''}${t}${z}`.trim()).filter((text) => text !== '' && !text.includes("'"));
const odd = ['daily', 'Weekly', 'quarterly', 'semi-annually', 'anually UTC', 'minutely', '@1700000000', '@0', '@1700000000 UTC', '*-02-31', '*-02~31', 'Mon', 'Mon,', 'Mon..', 'Fri..Mon', 'Mon.Tue', 'Monda', '12', '1:2:3:4',
  '*-*-* 1', '5..3-1-1', '*:0/0', '*:*:0/0.0000001', '1..1-1', '*-1..1-1', '*:0/59', '*:0/60', '0..5/7:0', '2026-1-1-1', 'Mon  *-*-*  10:00', '~1', '*~1', '02~1..3', '*-*~7/1', 'Mon *-05~07/1', '1,1,1:2', '99999999999-1-1',
  '*-*-* 02:30 Europe/Berlin', '*-03-29 02:30 Europe/Berlin', 'Sun *-*-* 01:00:00 Europe/Dublin', '*-10-25 02:30 Europe/Berlin', '*:*:59.9999999', '*:*:5,0/1', '*:*:1..1', '*:*:45..45.5/0.5', '*-*~9,6/5,28/6', '2026-01-01', '2200-01-01', '1969-1-1', '70-1-1', '69-1-1'];

const bases = [['2026-01-01 00:00:00 UTC', 'UTC'], ['2026-03-28 23:17:41 UTC', 'Europe/Berlin'], ['2026-10-24 22:59:59 UTC', 'Europe/Berlin'], ['2027-11-06 12:00:00 UTC', 'America/New_York']] as const;

for (const [base, local] of bases) oracleTest(`from ${base} in ${local}, as systemd-analyze says`, 60_000, (seed) => compare(base, local, seed));

/**
 * systemd looks for the next month from the 32nd day of this one on, and takes that one's time, summer or winter, along: then it passes over the first days of a
 * month that begins in the other. So does 252 at the end of a year, whatever the time.
 */
function passesOver({ text, ours: one, theirs }: { readonly text: string; readonly ours: Answer; readonly theirs: Answer | undefined }, local: string): boolean {
  if (theirs === undefined || one.normalized !== theirs.normalized || one.next === null || theirs.next === null || one.next > theirs.next) return false;
  const zone = parseCalendarEvent(text).timeZone ?? local;
  const [offset, theirOffset] = [one.next, theirs.next].map((time) => zoneOffset(zone, Date.parse(time) / 1000));
  const turnsYear = /^\d+-(?:01-|12-31)/.test(one.next);
  return offset !== theirOffset || (box.info.target === 'debian12' && turnsYear);
}

async function compare(base: string, local: string, seed: number): Promise<void> {
  const expressions = [...new Set([...odd, ...fc.sample(expression, { numRuns: 400, seed })])];
  const theirs = await analyze(expressions, base, local);
  const baseMs = Date.parse(base.replace(' ', 'T').replace(' UTC', 'Z'));
  const differences = expressions.map((text) => ({ text, ours: ours(text, baseMs, local), theirs: theirs.get(text) }))
    .filter((each) => each.theirs?.normalized !== gaveUp && JSON.stringify(each.ours) !== JSON.stringify(each.theirs))
    .filter((each) => !passesOver(each, local));
  expect([...theirs.values()].filter(({ normalized }) => normalized === gaveUp).length).toBeLessThan(1 + expressions.length / 100);
  expect(theirs.size).toBeGreaterThan(odd.length);
  expect(differences).toEqual([]);
}
