import { SLASH } from './octets.ts';

/** `HTTP/1.0` and `HTTP/1.1` → 0 and 1; -1 for anything else. */
export function minorVersion(bytes: Uint8Array, at: number): number {
  const is1 = bytes[at] === 0x48 && bytes[at + 1] === 0x54 && bytes[at + 2] === 0x54 && bytes[at + 3] === 0x50 && bytes[at + 4] === SLASH
    && bytes[at + 5] === 0x31 && bytes[at + 6] === 0x2E;
  const minor = (bytes[at + 7] as number) - 0x30;
  return is1 && (minor === 0 || minor === 1) ? minor : -1;
}
