import { connectionOptionsMax } from '../base/limits.ts';
import { trimBlanks } from './blanks.ts';
import { Field, isFraming, kindOfName, type Fields } from './fields.ts';
import { CR, foldName, isToken, TAB } from './octets.ts';
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
  #options = 0;

  /**
   * @param spacesBehind of an answer: programs that write one lose nothing by it, since clients read it as nothing (RFC 9110 5.5)
   * @throws Refusal 400: what two programs could read differently
   */
  read(bytes: Buffer, fields: Fields, spacesBehind = false): void {
    this.body = Body.none;
    this.length = 0;
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.host = -1;
    this.upgradeField = -1;
    this.#options = 0;
    this.dated = false;
    let hasLength = false;
    let named: Set<string> | null = null;
    for (let i = 0; i < fields.count; i++) {
      switch (fields.kind[i]) {
        case Field.other: break;
        case Field.host:
          if (this.host !== -1) throw new Refusal(400, 'Expected one Host, got two');
          refuseBlanks(bytes, fields, i, spacesBehind);
          this.host = i;
          break;
        case Field.contentLength:
          if (hasLength) throw new Refusal(400, 'Expected one Content-Length, got two');
          hasLength = true;
          refuseBlanks(bytes, fields, i, spacesBehind);
          this.length = readLength(bytes, fields.valueStart[i] as number, fields.valueEnd[i] as number);
          if (this.body === Body.none) this.body = Body.length;
          break;
        case Field.transferEncoding:
          if (this.body === Body.chunked) throw new Refusal(400, 'Expected one Transfer-Encoding, got two');
          if (fields.value(bytes, i).toLowerCase() !== 'chunked') {
            throw new Refusal(400, 'Expected Transfer-Encoding to be chunked, got another coding');
          }
          refuseBlanks(bytes, fields, i, spacesBehind);
          this.body = Body.chunked;
          break;
        case Field.connection: named = this.#readConnection(fields.value(bytes, i), named); break;
        case Field.upgrade: this.upgradeField = i; break;
        case Field.date: this.dated = true; break;
      }
    }
    // Once: there may be a hundred of those fields, with a hundred names each.
    if (named !== null) fields.markNamed(bytes, named);
    if (hasLength && this.body === Body.chunked) throw new Refusal(400, 'Expected Content-Length or Transfer-Encoding, got both');
  }

  /** Counts what `Connection` names. @returns the names of fields, added to those before */
  #readConnection(value: string, before: Set<string> | null): Set<string> | null {
    if (value === 'keep-alive') {
      this.keepAlive = true;
      return before;
    }
    let named = before;
    for (const part of value.split(',', connectionOptionsMax + 1)) {
      if (++this.#options > connectionOptionsMax) throw new Refusal(431, `Expected Connection to name at most ${connectionOptionsMax} fields`);
      const option = optionOf(trimBlanks(part));
      if (option === 'close') this.close = true;
      else if (option === 'keep-alive') this.keepAlive = true;
      else if (option === 'upgrade') this.upgrade = true;
      else if (isFraming(kindOfName(option))) throw new Refusal(400, `Expected Connection to name what is for one hop only, got ${option}`);
      else if (option !== '') (named ??= new Set()).add(option);
    }
    return named;
  }
}

/** Empty: it names nothing that there could be. */
function optionOf(text: string): string {
  return isToken(text) ? foldName(text) : '';
}

/**
 * llhttp takes a space behind a length or a coding for nothing, but not a tab; nginx none around them, or around a host. gunicorn knows no coding of `chunked` and a
 * space, and earlier versions then saw no body at all.
 */
function refuseBlanks(bytes: Uint8Array, { nameEnd, valueStart, valueEnd }: Fields, index: number, spacesBehind: boolean): void {
  for (let i = nameEnd[index] as number; i < (valueStart[index] as number); i++) if (bytes[i] === TAB) throw blanks();
  for (let i = valueEnd[index] as number; bytes[i] !== CR; i++) if (!spacesBehind || bytes[i] === TAB) throw blanks();
}

function blanks(): Refusal {
  return new Refusal(400, 'Expected no tab before, and nothing behind a host, a length or a coding');
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
