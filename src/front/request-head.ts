import { hostBytesMax } from '../base/limits.ts';
import { Field, sharedFields, shown } from './fields.ts';
import { Body, Framing } from './framing.ts';
import { headEnd } from './head-end.ts';
import { minorVersion } from './http-version.ts';
import { CR, hostOctet, LF, SLASH, SP, targetOctet } from './octets.ts';
import { Refusal } from './refusal.ts';

const QUESTION = 0x3F;
const ASTERISK = 0x2A;

/** Bodyless and without effect that the client asked for (RFC 9110 9.2.1): these alone are sent again by themselves. */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * The head of a request (RFC 9112 3), as positions in the bytes it was parsed from. One object per connection, filled
 * anew by each {@link parse}; {@link fields} only until the next head of any connection is parsed.
 *
 * Strict: what two programs could read differently is refused, since a request that we and the program behind us take
 * for different ones is how requests are smuggled.
 */
export class RequestHead {
  readonly fields = sharedFields;
  readonly framing = new Framing();
  method = '';
  /** Where the request line begins; an empty line may stand before it. */
  start = 0;
  /** The target in origin form: of `http://host/path` only the path. Empty where that has none. */
  targetStart = 0;
  targetEnd = 0;
  /** HTTP/1.0: 0. */
  minor = 1;
  /** Without the port, in lower case; a last dot is cut off. */
  host = '';
  /** As the client wrote it. */
  hostText = '';
  /** It offers to go on in another protocol, and nothing forbids that: {@link offeredProtocols}. */
  upgrades = false;
  /** CONNECT: what follows the head is no HTTP if the program agrees. */
  connects = false;
  /** In a form that is for proxies only (RFC 9112 3.2): that of CONNECT, or with the whole address. */
  toProxy = false;
  safe = false;
  /** Of OPTIONS and TRACE: so many more servers may pass it on (RFC 9110 7.6.2). Null: any number. */
  maxForwards: number | null = null;
  /** `Accept` has `text/html`, whatever is said of how much it is wanted: browsers say so that open a page. */
  html = false;
  /** Behind the head. */
  end = 0;

  /**
   * @param start where the request begins in `bytes`
   * @param searched how many bytes from there were looked at by an earlier call
   * @returns whether the head was complete
   * @throws Refusal 400, 431, 501, 505
   */
  parse(bytes: Buffer, start: number, searched: number): boolean {
    let at = start;
    // It is answered also if it is refused before its own is read.
    this.method = '';
    // RFC 9112 2.2: one empty line before a request is passed over.
    if (bytes[at] === CR && (bytes.length === at + 1 || bytes[at + 1] === LF)) at += 2;
    if (at >= bytes.length) return false;
    if (!isUpper(bytes[at] as number)) throw new Refusal(400, `Expected a method in capitals, got ${shown(bytes[at])}`);
    const end = headEnd(bytes, at, Math.max(0, searched - (at - start)));
    if (end === -1) return false;
    this.start = at;
    this.end = end + 2;
    const fieldsStart = this.#requestLine(bytes, at);
    this.fields.scan(bytes, fieldsStart, end);
    this.framing.read(bytes, this.fields);
    this.#check(bytes);
    return true;
  }

  /** `GET /path HTTP/1.1` → where the fields begin. */
  #requestLine(bytes: Buffer, start: number): number {
    let at = start;
    while (isUpper(bytes[at] as number) || bytes[at] === 0x2D) at++;
    if (bytes[at] !== SP) throw new Refusal(400, `Expected a method in capitals and a space, got ${shown(bytes[at])}`);
    this.method = methodOf(bytes, start, at);
    const targetStart = ++at;
    while (targetOctet[bytes[at] as number] === 1) at++;
    if (at === targetStart || bytes[at] !== SP) throw new Refusal(400, `Expected a request target and a space, got ${shown(bytes[at])}`);
    this.targetStart = targetStart;
    this.targetEnd = at;
    return this.#version(bytes, at + 1);
  }

  #version(bytes: Buffer, at: number): number {
    const minor = minorVersion(bytes, at);
    if (minor === -1 || bytes[at + 8] !== CR || bytes[at + 9] !== LF) {
      const is = /^HTTP\/\d\.\d\r\n/.test(bytes.toString('latin1', at, at + 10));
      throw new Refusal(is ? 505 : 400, `Expected HTTP/1.1 and CR LF behind the target, got ${is ? 'another version' : 'something else'}`);
    }
    this.minor = minor;
    return at + 10;
  }

  #check(bytes: Buffer): void {
    const { fields, framing } = this;
    if (framing.host === -1) throw new Refusal(400, 'Expected a Host, got none');
    const hostStart = fields.valueStart[framing.host] as number;
    const hostEnd = fields.valueEnd[framing.host] as number;
    const host = bytes.toString('latin1', hostStart, hostEnd);
    // A client asks for the same host over and over.
    if (host !== this.hostText || host === '') {
      this.host = hostName(host);
      this.hostText = host;
    }
    this.#target(bytes, host);
    if (this.minor === 0) {
      if (framing.body === Body.chunked) throw new Refusal(400, 'Expected no Transfer-Encoding in HTTP/1.0');
      framing.close = true;
    }
    this.safe = framing.body === Body.none && safeMethods.has(this.method);
    // RFC 9110 7.8. Behind a body the other protocol would begin at another place for whoever reads that differently.
    this.upgrades = framing.upgrade && framing.upgradeField !== -1 && this.minor === 1 && !this.connects
      && (framing.body === Body.none || (framing.body === Body.length && framing.length === 0));
    this.html = false;
    this.maxForwards = null;
    for (let i = 0; i < fields.count; i++) {
      if (fields.kind[i] === Field.accept) this.html ||= fields.value(bytes, i).includes('text/html');
      if (fields.kind[i] === Field.maxForwards && (this.method === 'OPTIONS' || this.method === 'TRACE')) this.maxForwards = this.#forwards(fields.value(bytes, i));
      if (fields.kind[i] === Field.expect && fields.value(bytes, i).toLowerCase() !== '100-continue') {
        throw new Refusal(417, 'Expected Expect to be 100-continue, got something else');
      }
    }
  }

  #forwards(value: string): number {
    if (this.maxForwards !== null || !/^\d{1,15}$/.test(value)) throw new Refusal(400, 'Expected one Max-Forwards of digits, got something else');
    return Number(value);
  }

  /** RFC 9112 3.2: origin form, absolute form of the very host, `*` for OPTIONS. */
  #target(bytes: Buffer, host: string): void {
    const first = bytes[this.targetStart];
    this.connects = this.method === 'CONNECT';
    this.toProxy = this.connects;
    if (this.connects) return this.#connectTarget(bytes, host);
    if (first === SLASH) return;
    if (first === ASTERISK && this.targetEnd === this.targetStart + 1 && this.method === 'OPTIONS') return;
    const target = bytes.toString('latin1', this.targetStart, this.targetEnd);
    const authority = /^https?:\/\/([^/?]+)/i.exec(target);
    if (authority === null) throw new Refusal(400, 'Expected a request target that begins with / or http://, got another');
    if ((authority[1] as string).toLowerCase() !== host.toLowerCase()) throw new Refusal(400, 'Expected the target and Host to name the same host, got two');
    this.targetStart += authority[0].length;
    this.toProxy = true;
  }

  /** RFC 9112 3.2.3: host and port, and nothing else; 3.2: `Host` is the very same. RFC 9110 9.3.6: it has no content. */
  #connectTarget(bytes: Buffer, host: string): void {
    const target = bytes.toString('latin1', this.targetStart, this.targetEnd);
    const port = Number(/^[^/?#@]+:(\d{1,5})$/.exec(target)?.[1] ?? 0);
    if (port < 1 || port > 65_535) throw new Refusal(400, 'Expected CONNECT to name a host and a port, got another target');
    if (target.toLowerCase() !== host.toLowerCase()) throw new Refusal(400, 'Expected the target and Host to name the same host and port, got two');
    if (this.framing.body !== Body.none) throw new Refusal(400, 'Expected no body of CONNECT, got one');
    if (this.minor === 0) throw new Refusal(501, 'Expected HTTP/1.1 for CONNECT, got HTTP/1.0');
  }

  /** What completes a target without a path, `http://host?query`. Without a query OPTIONS is about the server itself (RFC 9112 3.2.4). */
  missingPath(bytes: Buffer): string {
    if (this.targetStart === this.targetEnd) return this.method === 'OPTIONS' ? '*' : '/';
    return bytes[this.targetStart] === QUESTION ? '/' : '';
  }
}

function isUpper(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5A;
}

function methodOf(bytes: Buffer, start: number, end: number): string {
  // No string is made for the one method that matters.
  if (end - start === 3 && bytes[start] === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54) return 'GET';
  if (end - start > 24) throw new Refusal(501, 'Expected a method of at most 24 letters');
  return bytes.toString('latin1', start, end);
}

/** `Example.com:8080` → `example.com`. @throws Refusal 400 */
export function hostName(host: string): string {
  if (host.length > hostBytesMax) throw new Refusal(400, `Expected Host to be a name or an address of at most ${hostBytesMax} characters, with its port`);
  let lower = '';
  for (let i = 0; i < host.length; i++) {
    const octet = hostOctet[host.charCodeAt(i)] ?? 0;
    if (octet === 0) throw new Refusal(400, `Expected Host to be a name or an address, got ${shown(host.charCodeAt(i))}`);
    lower += String.fromCharCode(octet);
  }
  const parts = /^(?<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(?::\d{0,5})?$/.exec(lower)?.groups;
  const name = parts?.['name'];
  if (name === undefined || name.startsWith('.') || name.endsWith('.') || name.includes('..')) throw new Refusal(400, 'Expected Host to be a name or an address, with a port or without');
  return name;
}

