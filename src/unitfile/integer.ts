import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

/** Digits beyond this make no number that anybody limits to 64 bits; leading zeros included. */
const lengthMax = 100;

/**
 * Reads a whole number as systemd's safe_atou64(): decimal, `0x…`, `0o…`, `0b…`, and with a leading 0 octal, as in C.
 * @param min, max bounds, both included; below 0 a minus sign is allowed
 * @throws UnitValueError
 * @example
 * parseInteger('0x10', 0n, 100n) // 16n
 */
export function parseInteger(text: string, min: bigint, max: bigint): bigint {
  const match = text.length > lengthMax ? null : /^[ \t\n\r\v\f]*([+-]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9]\d*)$/.exec(text);
  const [, sign, digits = ''] = match ?? [];
  const octal = /^0[0-7]+$/.test(digits);
  const size = match === null ? null : BigInt(octal ? `0o${digits.slice(1)}` : digits.toLowerCase());
  const value = size === null ? null : sign === '-' ? -size : size;
  if (value !== null && value >= min && value <= max) return value;
  throw new UnitValueError(`Expected a number from ${min} to ${max}, found ${quote(text)}`);
}
