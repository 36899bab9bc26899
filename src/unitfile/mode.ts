import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

/**
 * Reads an access mode in octal, such as `0660` of `SocketMode=` (`man systemd.socket`), from 0 to 07777.
 * @throws UnitValueError
 */
export function parseMode(text: string): number {
  const digits = /^[ \t\n\r]*0*([0-7]{0,4})$/.exec(text)?.[1];
  if (digits === undefined || !/[0-7]$/.test(text)) throw new UnitValueError(`Expected an access mode in octal such as 0660, found ${quote(text)}`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** Writes a mode as `systemctl show` does: four digits. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
