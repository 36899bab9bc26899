import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

const yes = new Set(['1', 'yes', 'y', 'true', 't', 'on']);
const no = new Set(['0', 'no', 'n', 'false', 'f', 'off']);

/** Reads a boolean, upper or lower case (`man systemd.syntax`). @throws UnitValueError */
export function parseBoolean(text: string): boolean {
  const lower = text.length > 5 ? text : text.toLowerCase();
  if (yes.has(lower)) return true;
  if (no.has(lower)) return false;
  throw new UnitValueError(`Expected a boolean (yes or no), found ${quote(text)}`, { suggestion: 'yes' });
}
