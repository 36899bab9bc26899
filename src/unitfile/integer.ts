import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

/** Reads a decimal number from `min` to `max`, both included. @throws UnitValueError */
export function parseInteger(text: string, min: bigint, max: bigint): bigint {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : null;
  if (value === null || value < min || value > max) throw new UnitValueError(`Expected a number from ${min} to ${max}, found ${quote(text)}`);
  return value;
}
