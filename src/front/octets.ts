/** Which bytes may stand where: at most one look-up per byte of a head. */

function table(allowed: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => allowed(byte));
}

/**
 * `token` (RFC 9110 5.6.2) → the byte as names are compared, 0 for any other. Lower case, and `-` for what is neither letter nor digit: programs are given names as
 * variables, where CGI and WSGI do not tell `_` from `-`, PHP not `.`, lighttpd none of them. Such a name could pass for one that we set.
 */
export const nameOctet = table((byte) => {
  const character = String.fromCharCode(byte);
  if (!isToken(character)) return 0;
  return foldName(character).charCodeAt(0);
});

export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

/** A name as {@link nameOctet} has its bytes. */
export function foldName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
}

/** `field-content` and the spaces around it (RFC 9110 5.5): no control character but the tab. Most of a head is that, and a table would take longer. */
export function isValueOctet(byte: number): boolean {
  return (byte >= 0x20 && byte !== 0x7F) || byte === TAB;
}

/** A request target: visible ASCII but `#`. Fragments are not sent, and one program would cut where another reads on. */
export const targetOctet = table((byte) => (byte > 0x20 && byte < 0x7F && byte !== 0x23 ? 1 : 0));

/** A host with its port: names, IPv4, `[IPv6]`. Lower case; 0 for any other byte. */
export const hostOctet = table((byte) => {
  const character = String.fromCharCode(byte);
  return /^[a-z0-9._:[\]-]$/i.test(character) ? character.toLowerCase().charCodeAt(0) : 0;
});

/** Value of a hexadecimal digit, 255 for any other byte. */
export const hexOctet = table((byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
  return digit === -1 ? 255 : digit;
});

export const CR = 0x0D;
export const LF = 0x0A;
export const SP = 0x20;
export const TAB = 0x09;
export const COLON = 0x3A;
export const SLASH = 0x2F;
export const DASH = 0x2D;
