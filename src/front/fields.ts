import { headFieldsMax } from '../base/limits.ts';
import { COLON, CR, DASH, foldName, isValueOctet, LF, nameOctet, SP, TAB } from './octets.ts';
import { Refusal } from './refusal.ts';

/** Fields that mean something to a relay. All others are {@link Field.other}, and pass as they are. */
export const Field = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  upgrade: 5,
  expect: 6,
  /** Only for the next hop, whatever `Connection` says (RFC 9110 7.6.1), or dangerous to pass (`Proxy`, httpoxy). */
  hop: 7,
  /** Who the client is and what it asked: only a proxy may say so. */
  forwarded: 8,
  /** Named by `Connection`. */
  named: 9,
  /** Of {@link forwarded} what each proxy on the way adds to, if it is trusted. */
  forwardedFor: 10,
  forwardedElements: 11,
  forwardedProto: 12,
  forwardedHost: 13,
  /** Passes as any other; whom an answer of our own is for. */
  accept: 14,
  /** Between a client and the proxy that it has chosen (RFC 9110 11.7): for one hop, unless the site is that proxy. */
  proxy: 15,
  /** Passes as any other, but for the methods that it is about: {@link RequestHead.maxForwards}. */
  maxForwards: 16,
  /** Passes as any other; who passes on an answer without one says when it came. */
  date: 17,
} as const;

/** Sets of kinds, a bit each. */
export const proxyFields = 1 << Field.proxy;
export const oneHopFields = (1 << Field.connection) | (1 << Field.hop) | (1 << Field.upgrade) | (1 << Field.named) | proxyFields;
export const framingFields = (1 << Field.contentLength) | (1 << Field.transferEncoding);

const kinds: Readonly<Record<string, number>> = {
  'host': Field.host,
  'content-length': Field.contentLength,
  'transfer-encoding': Field.transferEncoding,
  'connection': Field.connection,
  'upgrade': Field.upgrade,
  'expect': Field.expect,
  'accept': Field.accept,
  'date': Field.date,
  'max-forwards': Field.maxForwards,
  'keep-alive': Field.hop,
  'proxy': Field.hop,
  'proxy-connection': Field.hop,
  'proxy-authorization': Field.proxy,
  'proxy-authenticate': Field.proxy,
  'proxy-authentication-info': Field.proxy,
  'te': Field.hop,
  'http2-settings': Field.hop,
  'forwarded': Field.forwardedElements,
  'x-forwarded-for': Field.forwardedFor,
  'x-forwarded-host': Field.forwardedHost,
  'x-forwarded-proto': Field.forwardedProto,
  'x-forwarded': Field.forwarded,
  'forwarded-for': Field.forwarded,
  'front-end-https': Field.forwarded,
  'x-url-scheme': Field.forwarded,
  'x-host': Field.forwarded,
  'x-original-host': Field.forwarded,
  // Some frameworks take the path from these (CVE-2018-14773): past routes, rules, and whatever a proxy keeps.
  'x-original-url': Field.forwarded,
  'x-rewrite-url': Field.forwarded,
  'proxy-client-ip': Field.forwarded,
  'wl-proxy-client-ip': Field.forwarded,
  'x-real-ip': Field.forwarded,
  'x-client-ip': Field.forwarded,
  'x-cluster-client-ip': Field.forwarded,
  'client-ip': Field.forwarded,
  'true-client-ip': Field.forwarded,
  'cf-connecting-ip': Field.forwarded,
};

/** What decides where a message ends and whose it is: may neither be spelt oddly, nor named by `Connection`, nor trail. */
export function isFraming(kind: number): boolean {
  return kind === Field.host || kind === Field.contentLength || kind === Field.transferEncoding;
}

function tellsOfClient(kind: number): boolean {
  return kind === Field.forwarded || (kind >= Field.forwardedFor && kind <= Field.forwardedHost);
}

/** It is only passed on: neither frames nor routes a message, nor says whose it is. */
export function passes(kind: number): boolean {
  return kind === Field.other || kind === Field.accept || kind === Field.maxForwards || kind === Field.date;
}

/** User, port, prefix and whatever else: proxies and programs agree on new ones all the time. */
const forwardedPrefix = 'x-forwarded-';

/** @param name as {@link nameOctet} folds it */
export function kindOfName(name: string): number {
  if (Object.hasOwn(kinds, name)) return kinds[name] ?? Field.other;
  return name.startsWith(forwardedPrefix) ? Field.forwarded : Field.other;
}

/** Open addressing by the hash that {@link Fields.scan} computes while it checks the name. */
const slots = 256;
const slotHash = new Int32Array(slots);
const slotKind = new Uint8Array(slots);
const slotName: string[] = Array.from({ length: slots }, () => '');

for (const [name, kind] of Object.entries(kinds)) {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) | 0;
  let slot = hash & (slots - 1);
  while (slotKind[slot] !== 0) slot = (slot + 1) & (slots - 1);
  slotHash[slot] = hash;
  slotKind[slot] = kind;
  slotName[slot] = name;
}

function kindOf(bytes: Uint8Array, start: number, end: number, hash: number): number {
  for (let slot = hash & (slots - 1); slotKind[slot] !== 0; slot = (slot + 1) & (slots - 1)) {
    if (slotHash[slot] !== hash) continue;
    const name = slotName[slot] as string;
    if (name.length !== end - start || !spells(bytes, start, name)) continue;
    const kind = slotKind[slot] as number;
    if (isPlain(bytes, start, end)) return kind;
    if (isFraming(kind)) throw new Refusal(400, `Expected ${name} to be spelt with a dash, got another sign`);
    // A trusted proxy knows only the right spelling, and may pass on another as the client sent it.
    return tellsOfClient(kind) ? Field.hop : kind;
  }
  if (end - start <= forwardedPrefix.length || !spells(bytes, start, forwardedPrefix)) return Field.other;
  return isPlain(bytes, start, end) ? Field.forwarded : Field.hop;
}

/** Whether there is that name, or what passes for it. */
function spells(bytes: Uint8Array, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (nameOctet[bytes[start + i] as number] !== name.charCodeAt(i)) return false;
  return true;
}

/** Of letters, digits and dashes. */
function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== DASH && nameOctet[bytes[i] as number] === DASH) return false;
  return true;
}

/**
 * The field lines of a head, as positions in the bytes that were scanned. Used again for every message: nothing is
 * allocated for a field.
 */
export class Fields {
  count = 0;
  /** Where each line begins; `lineStart[count]` is where the empty line does. */
  readonly lineStart = new Int32Array(headFieldsMax + 1);
  readonly nameEnd = new Int32Array(headFieldsMax);
  readonly valueStart = new Int32Array(headFieldsMax);
  readonly valueEnd = new Int32Array(headFieldsMax);
  readonly kind = new Uint8Array(headFieldsMax);

  /**
   * Reads the lines from `start` to the empty one.
   * @param end where the empty line begins; what is there are CR and LF
   * @throws Refusal 400, 431
   */
  scan(bytes: Uint8Array, start: number, end: number): void {
    const { lineStart, nameEnd, valueStart, valueEnd, kind } = this;
    let at = start;
    let count = 0;
    while (at < end) {
      if (count === headFieldsMax) throw new Refusal(431, `Expected at most ${headFieldsMax} fields`);
      lineStart[count] = at;
      let hash = 0;
      let octet = nameOctet[bytes[at] as number] as number;
      if (octet === 0) throw badName(bytes[at]);
      const nameStart = at;
      while (octet !== 0) {
        hash = (Math.imul(hash, 31) + octet) | 0;
        octet = nameOctet[bytes[++at] as number] as number;
      }
      if (bytes[at] !== COLON) throw badName(bytes[at]);
      nameEnd[count] = at;
      kind[count] = kindOf(bytes, nameStart, at, hash);
      at++;
      while (bytes[at] === SP || bytes[at] === TAB) at++;
      const first = at;
      valueStart[count] = first;
      while (isValueOctet(bytes[at] as number)) at++;
      if (bytes[at] !== CR || bytes[at + 1] !== LF) throw badValue(bytes[at]);
      let last = at;
      while (last > first && (bytes[last - 1] === SP || bytes[last - 1] === TAB)) last--;
      valueEnd[count] = last;
      at += 2;
      count++;
    }
    lineStart[count] = at;
    this.count = count;
  }

  name(bytes: Buffer, index: number): string {
    return bytes.toString('latin1', this.lineStart[index], this.nameEnd[index]);
  }

  value(bytes: Buffer, index: number): string {
    return bytes.toString('latin1', this.valueStart[index], this.valueEnd[index]);
  }

  /** Marks the fields that `Connection` named. @param names as {@link nameOctet} folds them */
  markNamed(bytes: Buffer, names: ReadonlySet<string>): void {
    for (let i = 0; i < this.count; i++) {
      const kind = this.kind[i] as number;
      if ((passes(kind) || kind === Field.proxy || kind === Field.expect) && names.has(foldName(this.name(bytes, i)))) this.kind[i] = Field.named;
    }
  }
}

/**
 * One for all heads of the process: who parses one composes what it passes on before anything else is parsed. A connection that
 * waits keeps the bytes, and parses them again; ten thousand idle ones would keep 20 MB of positions.
 */
export const sharedFields = new Fields();

function badName(byte: number | undefined): Refusal {
  if (byte === SP || byte === TAB) return new Refusal(400, 'Expected a field name and a colon, got white space: lines are not folded, and none stands before the colon');
  return new Refusal(400, `Expected a field name and a colon, got ${shown(byte)}`);
}

function badValue(byte: number | undefined): Refusal {
  if (byte === CR || byte === LF) return new Refusal(400, 'Expected a line to end with CR LF, got one of them alone');
  return new Refusal(400, `Expected a field value, got ${shown(byte)}`);
}

/** A byte for an error message. */
export function shown(byte: number | undefined): string {
  if (byte === undefined) return 'the end';
  return byte > SP && byte < 0x7F ? `\`${String.fromCharCode(byte)}\`` : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}
