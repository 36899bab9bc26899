import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

const suffixesOf = (base: bigint): readonly (readonly [string, bigint])[] => [
  ['E', base ** 6n], ['P', base ** 5n], ['T', base ** 4n], ['G', base ** 3n], ['M', base ** 2n], ['K', base], ['B', 1n], ['', 1n],
];
const suffixesByBase = { 1000: suffixesOf(1000n), 1024: suffixesOf(1024n) } as const;
const sizeMax = 2n ** 64n - 1n;

/**
 * Reads a size in bytes, suffixes K M G T P E to the base 1024, fractions and sums from large to small allowed:
 * `256M`, `1.5G`, `1G 512M` (systemd's parse_size()).
 *
 * @param base of the suffixes; 1000 for the bandwidths of `IOReadBandwidthMax=` and its kin
 * @returns bytes
 * @throws UnitValueError
 * @example
 * parseSizeBytes('1.5K') // 1536n
 */
export function parseSizeBytes(text: string, base: 1000 | 1024 = 1024): bigint {
  const suffixes = suffixesByBase[base];
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
const tooLarge = (offset: number): UnitValueError => new UnitValueError('Expected a size below 2^64 bytes', { offset });
