import { chunkExtensionBytesMax, chunkSizeDigitsMax, headFieldsMax, trailerBytesMax } from '../base/limits.ts';
import { kindOfName, passes, shown } from './fields.ts';
import { COLON, CR, foldName, hexOctet, isValueOctet, LF, nameOctet, SP, TAB } from './octets.ts';
import { Refusal } from './refusal.ts';

const SEMICOLON = 0x3B;
const EQUALS = 0x3D;
const QUOTE = 0x22;
const BACKSLASH = 0x5C;

const State = {
  sizeFirst: 0, size: 1, sizeEnd: 2, data: 3, dataEnd: 4, dataLf: 5,
  extensionName: 6, extensionNameRest: 7, extensionValue: 8, extensionToken: 9, quoted: 10, quotedPair: 11, quotedEnd: 12,
  lineStart: 13, name: 14, value: 15, valueLf: 16, lastLf: 17, done: 18,
} as const;

/**
 * Finds the end of a chunked body (RFC 9112 7.1) in bytes as they arrive, and refuses what could be read otherwise. Data is
 * skipped, not looked at; only sizes, extensions and trailers are read byte by byte.
 */
export class Chunked {
  #state: number = State.sizeFirst;
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #trailers = 0;
  #name = '';

  get done(): boolean {
    return this.#state === State.done;
  }

  reset(): void {
    this.#state = State.sizeFirst;
    this.#size = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#trailerBytes = 0;
    this.#trailers = 0;
    this.#name = '';
  }

  /**
   * @returns behind the last byte that belongs to the body: `end`, unless {@link done}
   * @throws Refusal 400
   */
  scan(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#state !== State.done) {
      if (this.#state === State.data) {
        const skipped = Math.min(this.#size, end - at);
        at += skipped;
        this.#size -= skipped;
        if (this.#size === 0) this.#state = State.dataEnd;
      } else {
        this.#state = this.#state < State.lineStart ? this.#line(bytes[at] as number) : this.#trailer(bytes[at] as number);
        at++;
      }
    }
    return at;
  }

  /** `1f;name=value CR LF`, and the CR LF behind the data. */
  #line(byte: number): number {
    switch (this.#state) {
      case State.sizeFirst:
        this.#size = 0;
        this.#digits = 0;
        return this.#digit(byte);
      case State.size:
        if (hexOctet[byte] !== 255) return this.#digit(byte);
        return this.#afterElement(byte, 'a chunk size');
      case State.sizeEnd:
        this.#expect(byte, LF);
        return this.#size > 0 ? State.data : State.lineStart;
      case State.dataEnd:
        this.#expect(byte, CR);
        return State.dataLf;
      case State.dataLf:
        this.#expect(byte, LF);
        return State.sizeFirst;
      default:
        return this.#extension(byte);
    }
  }

  #digit(byte: number): number {
    const digit = hexOctet[byte] as number;
    if (digit === 255) throw new Refusal(400, `Expected a chunk size, got ${shown(byte)}`);
    if (++this.#digits > chunkSizeDigitsMax) throw new Refusal(400, `Expected a chunk size of at most ${chunkSizeDigitsMax} digits`);
    this.#size = this.#size * 16 + digit;
    return State.size;
  }

  #extension(byte: number): number {
    if (++this.#extensionBytes > chunkExtensionBytesMax) throw new Refusal(400, `Expected at most ${chunkExtensionBytesMax} bytes of chunk extensions`);
    switch (this.#state) {
      case State.extensionName:
        this.#expectToken(byte);
        return State.extensionNameRest;
      case State.extensionNameRest:
        if (nameOctet[byte] !== 0) return State.extensionNameRest;
        return byte === EQUALS ? State.extensionValue : this.#afterElement(byte, 'a chunk extension');
      case State.extensionValue:
        if (byte === QUOTE) return State.quoted;
        this.#expectToken(byte);
        return State.extensionToken;
      case State.extensionToken:
        return nameOctet[byte] === 0 ? this.#afterElement(byte, 'a chunk extension') : State.extensionToken;
      case State.quoted:
        if (byte === QUOTE) return State.quotedEnd;
        if (byte === BACKSLASH) return State.quotedPair;
        this.#expectValue(byte);
        return State.quoted;
      case State.quotedPair:
        this.#expectValue(byte);
        return State.quoted;
      default:
        return this.#afterElement(byte, 'a chunk extension');
    }
  }

  #afterElement(byte: number, what: string): number {
    if (byte === CR) return State.sizeEnd;
    if (byte === SEMICOLON) return State.extensionName;
    throw new Refusal(400, `Expected ${what} to end with CR LF, got ${shown(byte)}`);
  }

  #trailer(byte: number): number {
    if (++this.#trailerBytes > trailerBytesMax) throw new Refusal(400, `Expected at most ${trailerBytesMax} bytes of trailers`);
    switch (this.#state) {
      case State.lineStart:
        if (byte === CR) return State.lastLf;
        if (++this.#trailers > headFieldsMax) throw new Refusal(400, `Expected at most ${headFieldsMax} trailers`);
        this.#expectToken(byte);
        this.#name = String.fromCharCode(byte);
        return State.name;
      case State.name:
        if (byte === COLON) {
          this.#checkName();
          return State.value;
        }
        this.#expectToken(byte);
        this.#name += String.fromCharCode(byte);
        return State.name;
      case State.value:
        if (byte === CR) return State.valueLf;
        this.#expectValue(byte);
        return State.value;
      case State.valueLf:
        this.#expect(byte, LF);
        return State.lineStart;
      default:
        this.#expect(byte, LF);
        return State.done;
    }
  }

  /** What frames or routes a message, or says who sent it, must not come after it (RFC 9110 6.5.1). */
  #checkName(): void {
    const name = foldName(this.#name);
    if (!passes(kindOfName(name)) || name === 'trailer') throw new Refusal(400, `Expected trailers that say nothing of the message's way, got ${name}`);
  }

  #expect(byte: number, expected: number): void {
    if (byte !== expected) throw new Refusal(400, `Expected CR LF, got ${shown(byte)}`);
  }

  #expectToken(byte: number): void {
    if (nameOctet[byte] === 0) throw new Refusal(400, `Expected a name, got ${byte === SP || byte === TAB ? 'white space' : shown(byte)}`);
  }

  #expectValue(byte: number): void {
    if (!isValueOctet(byte)) throw new Refusal(400, `Expected a value, got ${shown(byte)}`);
  }
}

/** The content of a whole chunked body that {@link Chunked} has found the end of. */
export function withoutChunks(bytes: Buffer): Buffer {
  // A program may make a chunk of each byte, two megabytes of them: none becomes an object, or a call into the runtime's own code.
  const content = Buffer.from(bytes);
  let length = 0;
  for (let at = 0; ;) {
    let size = 0;
    for (let digit = hexOctet[content[at] as number] as number; digit !== 255; digit = hexOctet[content[++at] as number] as number) size = size * 16 + digit;
    if (size === 0) return content.subarray(0, length);
    while (content[at] !== LF) at++;
    content.copyWithin(length, at + 1, at + 1 + size);
    length += size;
    at += size + 3;
  }
}
