import { proxyHeaderBytesMax } from '../base/limits.ts';
import { Refusal } from './refusal.ts';

/** What stands before the first byte of a connection that somebody passes on (PROXY protocol, version 2). */
export interface ProxyHeader {
  /** Behind it. */
  readonly end: number;
  /** Of the client; null: of the peer itself (`LOCAL`, such as its health checks), or not known. */
  readonly address: string | null;
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const headBytes = 16;
const LOCAL = 0x20;
const PROXY = 0x21;
const STREAM = 1;
/** By the upper half of the byte: AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX. */
const addressBytes = [0, 12, 36, 216];

/**
 * Reads a header of version 2 (haproxy.org, proxy-protocol.txt, 2.2). What follows the addresses (TLVs) is passed over.
 * @returns null: it is not complete
 * @throws Refusal 400: what cannot become one, as soon as that shows
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | null {
  const known = Math.min(bytes.length, signature.length);
  if (bytes.compare(signature, 0, known, 0, known) !== 0) throw new Refusal(400, 'Expected a PROXY protocol header of version 2, got something else');
  if (bytes.length <= signature.length) return null;
  const command = bytes[12] as number;
  if (command !== LOCAL && command !== PROXY) throw new Refusal(400, 'Expected the command LOCAL or PROXY of version 2, got another');
  if (bytes.length < headBytes) return null;
  const family = (bytes[13] as number) >> 4;
  const transport = (bytes[13] as number) & 0x0F;
  const length = bytes.readUInt16BE(14);
  if (length > proxyHeaderBytesMax) throw new Refusal(400, `Expected a PROXY protocol header of at most ${proxyHeaderBytesMax} bytes`);
  const end = headBytes + length;
  if (command === PROXY && family !== 0) {
    const needed = addressBytes[family];
    if (needed === undefined || transport !== STREAM) throw new Refusal(400, 'Expected a PROXY protocol header of a TCP or UNIX stream, got another');
    if (length < needed) throw new Refusal(400, 'Expected the addresses in the PROXY protocol header, got fewer bytes');
  }
  if (bytes.length < end) return null;
  return { end, address: command === PROXY ? sourceAddress(bytes, family) : null };
}

function sourceAddress(bytes: Buffer, family: number): string | null {
  if (family === 1) return bytes.subarray(headBytes, headBytes + 4).join('.');
  if (family !== 2) return null;
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(headBytes + 2 * i).toString(16)).join(':');
  return plainAddress(new URL(`http://[${groups}]`).hostname.slice(1, -1));
}

/** An IPv4 address that came over an IPv6 socket, or is written so, is one. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i.exec(address);
  if (mapped === null) return address;
  const [, dotted, high = '0', low = '0'] = mapped;
  if (dotted !== undefined) return dotted;
  return [high, low].flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xFF]).join('.');
}
