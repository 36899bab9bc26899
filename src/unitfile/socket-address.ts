import { parseInteger } from './integer.ts';
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
  | { readonly kind: 'abstract'; readonly name: string }
  /** `cid` null: any. `type` null: that of the key, `stream` for `ListenStream=`. */
  | { readonly kind: 'vsock'; readonly cid: number | null; readonly port: number; readonly type: 'stream' | 'datagram' | 'seqpacket' | null };

/** `sun_path` of 108 bytes, less the NUL. */
export const unixPathBytesMax = 107;

/**
 * Reads a socket's address: `8080`, `127.0.0.1:8080`, `[::1]:8080`, `[fe80::1]:80%eth0`, `/run/x.sock`, `@name`, `vsock::1234`, `vsock:2:1234`,
 * since systemd 254 also `vsock-stream:…`, `vsock-dgram:…` and `vsock-seqpacket:…`.
 *
 * @throws UnitValueError
 * @example
 * parseSocketAddress('[::1]:80') // { kind: 'ipv6', address: '::1', port: 80, zone: null }
 */
export function parseSocketAddress(text: string): SocketAddress {
  const vsock = /^vsock(?:-(stream|dgram|seqpacket))?:/.exec(text);
  if (vsock !== null) return parseVsock(text, vsock);
  if (text.startsWith('/') || text.startsWith('@')) {
    const bytes = utf8Length(text);
    if (bytes > unixPathBytesMax) throw new UnitValueError(`Expected the path of a socket of at most ${unixPathBytesMax} bytes, found ${bytes}`);
    if (text.length < 2) throw bad(text);
    return text.startsWith('/') ? { kind: 'path', path: text } : { kind: 'abstract', name: text.slice(1) };
  }
  if (/^\+?\d[0-9a-zA-Z]*$/.test(text)) return { kind: 'port', port: parseIpPort(text) };
  const v6 = /^\[([^\]]*)\]:([^%]*)(?:%(.+))?$/.exec(text);
  if (v6 !== null) {
    const [, inside = '', port = '', zoneAfter] = v6;
    const [host = '', zoneInside] = inside.split('%', 2);
    const address = parseIpv6(host);
    if (address === null) throw new UnitValueError(`Expected an IPv6 address in brackets, found ${quote(inside)}`, { offset: 1 });
    return { kind: 'ipv6', address, port: parseIpPort(port, text.indexOf(']:') + 2), zone: zoneAfter ?? zoneInside ?? null };
  }
  const colon = text.lastIndexOf(':');
  const address = colon < 0 ? null : parseIpv4(text.slice(0, colon));
  if (address === null) {
    const bareV6 = colon < 0 ? null : parseIpv6(text.slice(0, colon));
    throw bad(text, bareV6 === null ? undefined : `[${bareV6}]:${text.slice(colon + 1)}`);
  }
  return { kind: 'ipv4', address, port: parseIpPort(text.slice(colon + 1), colon + 1) };
}

function parseVsock(text: string, [prefix, type]: RegExpExecArray): SocketAddress {
  const match = /^(\d*):(\d{1,10})$/.exec(text.slice(prefix.length));
  if (match === null) throw new UnitValueError(`Expected vsock:CID:PORT, found ${quote(text)}`, { offset: prefix.length });
  const [, cid = '', port = ''] = match;
  return { kind: 'vsock', cid: cid === '' ? null : uint32(cid), port: uint32(port), type: type === undefined ? null : type === 'dgram' ? 'datagram' : type as 'stream' | 'seqpacket' };
}

/** As systemd's parse_ip_port(): numbers as in C, so that 0x50 is 80. */
function parseIpPort(text: string, offset = 0): number {
  if (/^\+?\d/.test(text)) {
    try {
      return Number(parseInteger(text, 1n, 65_535n));
    } catch (error) {
      if (!(error instanceof UnitValueError)) throw error;
    }
  }
  throw new UnitValueError(`Expected a port from 1 to 65535, found ${quote(text)}`, { offset });
}

const uint32 = (digits: string): number => Number(parseInteger(digits, 0n, 2n ** 32n - 1n));

/** Reads a TCP port, 1 to 65535. `offset` is where it stands in the value, for the error. @throws UnitValueError */
export function parsePort(text: string, offset = 0): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new UnitValueError(`Expected a port from 1 to 65535, found ${quote(text)}`, { offset });
  return port;
}

const bad = (text: string, suggestion?: string): UnitValueError => new UnitValueError(
  `Expected a port, ADDRESS:PORT, [ADDRESS]:PORT or an absolute path, found ${quote(text)}`, suggestion === undefined ? {} : { suggestion },
);
