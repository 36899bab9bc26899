/** Collects UTF-16 text and single bytes (from `\x41` and `\101`), which together must be UTF-8. */
export class Utf8Builder {
  #done: string[] = [];
  #bytes: number[] = [];
  #broken = false;

  addText(text: string): void {
    if (this.#bytes.length > 0) this.#flush();
    this.#done.push(text);
  }

  addByte(byte: number): void {
    this.#bytes.push(byte);
  }

  /** The text, or null if the bytes were not UTF-8. */
  finish(): string | null {
    this.#flush();
    return this.#broken ? null : this.#done.join('');
  }

  #flush(): void {
    const bytes = this.#bytes;
    for (let i = 0; i < bytes.length;) {
      const first = bytes[i] as number;
      const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
      let point = length === 1 ? first : first & (0xff >> (length + 1));
      let whole = length > 0;
      for (let k = 1; k < length; k++) {
        const byte = bytes[i + k];
        if (byte === undefined || (byte & 0xc0) !== 0x80) whole = false;
        else point = (point << 6) | (byte & 0x3f);
      }
      const least = [0, 0, 0x80, 0x800, 0x10000][length] as number;
      if (!whole || point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
        this.#broken = true;
        break;
      }
      this.#done.push(String.fromCodePoint(point));
      i += length;
    }
    this.#bytes = [];
  }
}

/** How many bytes a text has in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Each half of a surrogate pair counts two: together the four bytes they make.
    bytes += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3;
  }
  return bytes;
}

/** The bytes of a text in UTF-8; half a surrogate pair becomes U+FFFD, as everywhere. */
export function utf8Bytes(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const point = code >= 0xd800 && code < 0xe000 ? 0xfffd : code;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  }
  return bytes;
}
