import { parseIpv4, parseIpv6 } from './ip-address.ts';
import { quote } from './quote.ts';
import { utf8Length } from './utf8.ts';
import { UnitValueError } from './value-error.ts';

/** What `ListenStream=` may say (`man systemd.socket`). */
export type SocketAddress =
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'ipv4'; readonly address: string; readonly port: number }
  | { readonly kind: 'ipv6'; readonly address: string; readonly port: number; readonly zone: string | null }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'abstract'; readonly name: string };

/** `sun_path` of 108 bytes, less the NUL. */
export const unixPathBytesMax = 107;

/** Reads a stream socket's address: `8080`, `127.0.0.1:8080`, `[::1]:8080`, `/run/x.sock`, `@name`. @throws UnitValueError */
export function parseSocketAddress(text: string): SocketAddress {
  if (text.startsWith('/') || text.startsWith('@')) {
    const bytes = utf8Length(text);
    if (bytes > unixPathBytesMax) throw new UnitValueError(`Expected the path of a socket of at most ${unixPathBytesMax} bytes, found ${bytes}`);
    if (text.length < 2) throw bad(text);
    return text.startsWith('/') ? { kind: 'path', path: text } : { kind: 'abstract', name: text.slice(1) };
  }
  if (/^\d+$/.test(text)) return { kind: 'port', port: parsePort(text, 0) };
  const v6 = /^\[([^\]]*)\]:([^%]*)(?:%(.+))?$/.exec(text);
  if (v6 !== null) {
    const [, inside = '', port = '', zoneAfter] = v6;
    const [host = '', zoneInside] = inside.split('%', 2);
    const address = parseIpv6(host);
    if (address === null) throw new UnitValueError(`Expected an IPv6 address in brackets, found ${quote(inside)}`, { offset: 1 });
    return { kind: 'ipv6', address, port: parsePort(port, text.indexOf(']:') + 2), zone: zoneAfter ?? zoneInside ?? null };
  }
  const colon = text.lastIndexOf(':');
  const address = colon < 0 ? null : parseIpv4(text.slice(0, colon));
  if (address === null) {
    const bareV6 = colon < 0 ? null : parseIpv6(text.slice(0, colon));
    throw bad(text, bareV6 === null ? undefined : `[${bareV6}]:${text.slice(colon + 1)}`);
  }
  return { kind: 'ipv4', address, port: parsePort(text.slice(colon + 1), colon + 1) };
}

/** Reads a TCP port, 1 to 65535. `offset` is where it stands in the value, for the error. @throws UnitValueError */
export function parsePort(text: string, offset = 0): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new UnitValueError(`Expected a port from 1 to 65535, found ${quote(text)}`, { offset });
  return port;
}

const bad = (text: string, suggestion?: string): UnitValueError => new UnitValueError(
  `Expected a port, ADDRESS:PORT, [ADDRESS]:PORT or an absolute path, found ${quote(text)}`, suggestion === undefined ? {} : { suggestion },
);
