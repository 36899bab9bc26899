import { headBytesMax } from '../base/limits.ts';
import { CR, LF } from './octets.ts';
import { Refusal } from './refusal.ts';

const emptyLine = Buffer.from('\r\n\r\n');

/**
 * Where the empty line that ends a head begins (its CR LF, not that of the line before), or -1 if it has not arrived.
 * @param searched how many bytes from `start` were looked at before, when fewer had arrived
 * @throws Refusal 400 a line feed alone, 431 too long, 414 already its first line
 */
export function headEnd(bytes: Buffer, start: number, searched: number): number {
  const from = start + Math.max(0, searched - 3);
  const found = bytes.indexOf(emptyLine, from);
  const length = (found === -1 ? bytes.length : found + 4) - start;
  if (length > headBytesMax) throw tooLong(bytes, start);
  // Lines that end otherwise would be waited for until the time for a head is over.
  if (found === -1) refuseBareLineFeed(bytes, Math.max(start, from - 1));
  return found === -1 ? -1 : found + 2;
}

/** RFC 9112 3. */
function tooLong(bytes: Buffer, start: number): Refusal {
  const lineEnd = bytes.indexOf(LF, start);
  return lineEnd === -1 || lineEnd - start >= headBytesMax ? new Refusal(414, `Expected a first line of less than ${headBytesMax} bytes`) : new Refusal(431, `Expected a head of at most ${headBytesMax} bytes`);
}

function refuseBareLineFeed(bytes: Buffer, from: number): void {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (at > from && bytes[at - 1] !== CR) throw new Refusal(400, 'Expected a line to end with CR LF, got LF alone');
  }
}
