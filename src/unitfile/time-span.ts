import { quote } from './quote.ts';
import { suggest } from './suggest.ts';
import { UnitValueError } from './value-error.ts';

const second = 1_000_000n;
const minute = 60n * second;
const hour = 60n * minute;
const day = 24n * hour;
const week = 7n * day;
const month = 2_629_800n * second;
const year = 31_557_600n * second;

/** In the order in which systemd tries them: the first that the text begins with counts. */
const units: readonly (readonly [string, bigint])[] = [
  ['seconds', second], ['second', second], ['sec', second], ['s', second],
  ['minutes', minute], ['minute', minute], ['min', minute],
  ['months', month], ['month', month], ['M', month],
  ['msec', 1000n], ['ms', 1000n], ['m', minute],
  ['hours', hour], ['hour', hour], ['hr', hour], ['h', hour],
  ['days', day], ['day', day], ['d', day],
  ['weeks', week], ['week', week], ['w', week],
  ['years', year], ['year', year], ['y', year],
  ['usec', 1n], ['us', 1n], ['\u03bcs', 1n], ['\u00b5s', 1n],
];
const infinity = 2n ** 64n - 1n;
const int64Max = 2n ** 63n - 1n;

/**
 * Reads a time span such as `5min`, `1h 30`, `1.5s`, `infinity` (`man systemd.time`), a bare number being seconds.
 * @returns milliseconds, with a fraction for microseconds; `Infinity` for `infinity`
 * @throws UnitValueError
 */
export function parseTimeSpanMs(text: string): number {
  const usec = parseTimeSpanUsec(text);
  return usec === infinity ? Number.POSITIVE_INFINITY : Number(usec) / 1000;
}

/** As {@link parseTimeSpanMs}, in whole microseconds as systemd keeps them; 2^64−1 is `infinity`. @param bareUnitUsec what a bare number counts @throws UnitValueError */
export function parseTimeSpanUsec(text: string, bareUnitUsec = second): bigint {
  return read(text, bareUnitUsec, withNearest);
}

/** @param bad the error for text that is none, from `offset` on */
function read(text: string, bareUnitUsec: bigint, bad: (text: string, offset: number) => UnitValueError): bigint {
  if (/^[ \t\n\r]*infinity[ \t\n\r]*$/.test(text)) return infinity;
  const token = /[ \t\n\r\v\f]*(\+?)(\d*)(\.?)(\d*)([ \t\n\r]*)/y;
  let total = 0n;
  let some = false;
  let i = 0;
  for (;;) {
    while (i < text.length && ' \t\n\r'.includes(text[i] as string)) i++;
    if (i >= text.length) break;
    token.lastIndex = i;
    const match = token.exec(text);
    const [whole, sign, integer, point, fraction, space] = match as unknown as [string, string, string, string, string, string];
    if (integer === '' && (point === '' || sign !== '')) throw bad(text, i);
    if (point !== '' && fraction === '') throw bad(text, i);
    if (integer.length > 4096 || trimZeros(integer).length > 19) throw tooLong(i);
    const value = BigInt(integer === '' ? '0' : integer);
    if (value > int64Max) throw tooLong(i);
    const after = i + whole.length;
    const unit = units.find(([name]) => text.startsWith(name, after));
    // "12.34.56" is refused, "12.34 .56" and "12.34s.56" are not.
    if (unit === undefined && space === '' && after < text.length) throw bad(text, after);
    const multiplier = unit === undefined ? bareUnitUsec : unit[1];
    if (value >= infinity / multiplier) throw tooLong(i);
    total += value * multiplier;
    for (let m = multiplier / 10n, k = 0; k < fraction.length && m > 0n; m /= 10n, k++) total += BigInt(fraction[k] as string) * m;
    if (total >= infinity) throw tooLong(i);
    some = true;
    i = after + (unit === undefined ? 0 : unit[0].length);
  }
  if (!some) throw bad(text, 0);
  return total;
}

const trimZeros = (text: string): string => text.replace(/^0+/, '');

function plain(text: string, offset: number, suggestion: string | null = null): UnitValueError {
  return new UnitValueError(`Expected a time span such as 5min, 1h 30s or infinity, found ${quote(text)}`, { offset, ...(suggestion === null ? {} : { suggestion }) });
}

/** With the nearest unit, where a word is none and all is well with that one. */
function withNearest(text: string, offset: number): UnitValueError {
  let [start, end] = [offset, offset];
  while (start > 0 && isLetter(text.charCodeAt(start - 1))) start--;
  while (end < text.length && isLetter(text.charCodeAt(end))) end++;
  const near = start === end ? null : suggest(text.slice(start, end), units.map(([name]) => name));
  const mended = near === null ? null : text.slice(0, start) + near + text.slice(end);
  return plain(text, offset, mended !== null && isTimeSpan(mended) ? mended : null);
}

function isTimeSpan(text: string): boolean {
  try {
    read(text, second, plain);
    return true;
  } catch (error) {
    if (error instanceof UnitValueError) return false;
    throw error;
  }
}

const isLetter = (code: number): boolean => (code | 32) >= 97 && (code | 32) <= 122;
const tooLong = (offset: number): UnitValueError => new UnitValueError('Expected a time span below 2^64 microseconds', { offset });
