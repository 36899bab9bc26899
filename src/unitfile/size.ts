import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

const suffixes: readonly (readonly [string, bigint])[] = [
  ['E', 1024n ** 6n], ['P', 1024n ** 5n], ['T', 1024n ** 4n], ['G', 1024n ** 3n], ['M', 1024n ** 2n], ['K', 1024n], ['B', 1n], ['', 1n],
];
const sizeMax = 2n ** 63n - 1n;

/**
 * Reads a size in bytes, suffixes K M G T P E to the base 1024, fractions and sums from large to small allowed:
 * `256M`, `1.5G`, `1G 512M` (systemd's parse_size()). @throws UnitValueError
 */
export function parseSize(text: string): bigint {
  const token = /[ \t\n\r\v\f]*\+?(\d+)(?:\.(\d*))?[ \t\n\r]*/y;
  let total = 0n;
  let first = 0;
  let i = 0;
  do {
    token.lastIndex = i;
    const match = token.exec(text);
    if (match === null) throw bad(text, i);
    const integer = (match[1] as string).replace(/^0+/, '');
    const fraction = match[2] ?? '';
    if (integer.length > 20 || fraction.replace(/^0+/, '').length > 19) throw tooLarge(i);
    const end = i + match[0].length;
    const index = suffixes.findIndex(([suffix], k) => k >= first && text.startsWith(suffix, end));
    if (index < 0) throw bad(text, end);
    const [suffix, factor] = suffixes[index] as readonly [string, bigint];
    total += BigInt(integer === '' ? '0' : integer) * factor;
    if (fraction !== '') total += BigInt(Math.trunc(Number(`0.${fraction}`) * Number(factor)));
    if (total > sizeMax) throw tooLarge(i);
    i = end + suffix.length;
    first = index + 1;
  } while (i < text.length);
  return total;
}

const bad = (text: string, offset: number): UnitValueError =>
  new UnitValueError(`Expected a size in bytes such as 256M or 1G, found ${quote(text)}`, { offset });
const tooLarge = (offset: number): UnitValueError => new UnitValueError('Expected a size below 2^63 bytes', { offset });
