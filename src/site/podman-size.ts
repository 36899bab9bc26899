import { quote } from '../unitfile/quote.ts';
import { UnitValueError } from '../unitfile/value-error.ts';

const units: Readonly<Record<string, bigint>> = { '': 1n, b: 1n, k: 1024n, m: 1024n ** 2n, g: 1024n ** 3n };
const sizeMax = 2n ** 63n - 1n;

/** A size as podman takes it: `64m`, `1g`; without a unit bytes. @returns bytes @throws UnitValueError */
export function parseByteSize(text: string): bigint {
  const [, digits = '', unit = ''] = /^(\d{1,19})([bkmg]?)b?$/i.exec(text) ?? [];
  const bytes = digits === '' ? null : BigInt(digits) * (units[unit.toLowerCase()] as bigint);
  if (bytes === null || bytes > sizeMax) throw new UnitValueError(`Expected a size such as 64m or 1g, found ${quote(text)}`);
  return bytes;
}
