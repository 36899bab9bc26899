import { trimBlanks } from './blanks.ts';
import { Field, foldName, isFraming, kindOfName, type Fields } from './fields.ts';
import { CR, TAB } from './octets.ts';
import { Refusal } from './refusal.ts';

/** Where a message's body ends (RFC 9112 6). */
export const Body = { none: 0, length: 1, chunked: 2, untilClose: 3 } as const;
export type BodyKind = (typeof Body)[keyof typeof Body];

/** What the fields of a message say about its body and its connection. Filled anew for each message. */
export class Framing {
  body: BodyKind = Body.none;
  /** Of {@link Body.length}. */
  length = 0;
  /** `Connection: close`. */
  close = false;
  /** `Connection: keep-alive`. */
  keepAlive = false;
  /** `Connection: upgrade`. */
  upgrade = false;
  /** Index of the `Host` field, -1 if there is none. */
  host = -1;
  /** Index of the `Upgrade` field, -1 if there is none. */
  upgradeField = -1;
  /** There is a `Date`. */
  dated = false;

  /** @throws Refusal 400: what two programs could read differently */
  read(bytes: Buffer, fields: Fields): void {
    this.body = Body.none;
    this.length = 0;
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.host = -1;
    this.upgradeField = -1;
    this.dated = false;
    let hasLength = false;
    for (let i = 0; i < fields.count; i++) {
      switch (fields.kind[i]) {
        case Field.other: break;
        case Field.host:
          if (this.host !== -1) throw new Refusal(400, 'Expected one Host, got two');
          refuseTabAround(bytes, fields, i);
          this.host = i;
          break;
        case Field.contentLength:
          if (hasLength) throw new Refusal(400, 'Expected one Content-Length, got two');
          hasLength = true;
          refuseTabAround(bytes, fields, i);
          this.length = readLength(bytes, fields.valueStart[i] as number, fields.valueEnd[i] as number);
          if (this.body === Body.none) this.body = Body.length;
          break;
        case Field.transferEncoding:
          if (this.body === Body.chunked) throw new Refusal(400, 'Expected one Transfer-Encoding, got two');
          if (fields.value(bytes, i).toLowerCase() !== 'chunked') {
            throw new Refusal(400, 'Expected Transfer-Encoding to be chunked, got another coding');
          }
          refuseTabAround(bytes, fields, i);
          this.body = Body.chunked;
          break;
        case Field.connection: this.#readConnection(fields.value(bytes, i), bytes, fields); break;
        case Field.upgrade: this.upgradeField = i; break;
        case Field.date: this.dated = true; break;
      }
    }
    if (hasLength && this.body === Body.chunked) throw new Refusal(400, 'Expected Content-Length or Transfer-Encoding, got both');
  }

  #readConnection(value: string, bytes: Buffer, fields: Fields): void {
    if (value === 'keep-alive') {
      this.keepAlive = true;
      return;
    }
    const named: string[] = [];
    for (const part of value.split(',')) {
      const option = foldName(trimBlanks(part));
      if (option === 'close') this.close = true;
      else if (option === 'keep-alive') this.keepAlive = true;
      else if (option === 'upgrade') this.upgrade = true;
      else if (isFraming(kindOfName(option))) throw new Refusal(400, `Expected Connection to name what is for one hop only, got ${option}`);
      else if (option !== '') named.push(option);
    }
    if (named.length > 0) fields.markNamed(bytes, named);
  }
}

/** llhttp takes a space behind a length or a coding for nothing, but not a tab; nginx none around them, or around a host. */
function refuseTabAround(bytes: Uint8Array, { nameEnd, valueStart, valueEnd }: Fields, index: number): void {
  for (let i = nameEnd[index] as number; i < (valueStart[index] as number); i++) if (bytes[i] === TAB) throw tabAround();
  for (let i = valueEnd[index] as number; bytes[i] !== CR; i++) if (bytes[i] === TAB) throw tabAround();
}

function tabAround(): Refusal {
  return new Refusal(400, 'Expected no tab around a host, a length or a coding');
}

/** Digits and nothing else: no sign, no list, no space within. */
function readLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) throw new Refusal(400, 'Expected Content-Length to be 1 to 15 digits');
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) throw new Refusal(400, 'Expected Content-Length to be digits');
    length = length * 10 + digit;
  }
  return length;
}
