/** One C escape sequence: what it stands for, and how many UTF-16 units follow the backslash. */
export type Escape = { readonly byte: number; readonly length: number } | { readonly text: string; readonly length: number };

const simple: Readonly<Record<string, string>> = {
  a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '"': '"', "'": "'", s: ' ',
};

/**
 * Reads the escape sequence after a backslash at `offset - 1`, as systemd's cunescape_one(): `\n`, `\s` (a space),
 * `\x41`, `\101`, `\u00e4`, `\U0001f600`. Null for what is none. NUL cannot be written.
 */
export function readEscape(text: string, offset: number): Escape | null {
  const letter = text[offset];
  if (letter === undefined) return null;
  const plain = Object.hasOwn(simple, letter) ? simple[letter] : undefined;
  if (plain !== undefined) return { text: plain, length: 1 };
  if (letter === 'x') {
    const byte = digits(text, offset + 1, 2, 16);
    return byte === null || byte === 0 ? null : { byte, length: 3 };
  }
  if (letter === 'u' || letter === 'U') {
    const length = letter === 'u' ? 4 : 8;
    const point = digits(text, offset + 1, length, 16);
    if (point === null || point === 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return null;
    return { text: String.fromCodePoint(point), length: length + 1 };
  }
  const octal = digits(text, offset, 3, 8);
  return octal === null || octal === 0 || octal > 255 ? null : { byte: octal, length: 3 };
}

function digits(text: string, offset: number, count: number, base: 8 | 16): number | null {
  const part = text.slice(offset, offset + count);
  const pattern = base === 8 ? /^[0-7]+$/ : /^[0-9a-fA-F]+$/;
  return part.length === count && pattern.test(part) ? Number.parseInt(part, base) : null;
}
