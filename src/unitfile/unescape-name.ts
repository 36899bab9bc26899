import { Utf8Builder } from './utf8.ts';

/** Undoes unit name escaping: `-` is a slash, `\x2d` a byte (`systemd-escape --unescape`). Other text stays as it is. */
export function unescapeUnitName(text: string): string {
  if (!/[-\\]/.test(text)) return text;
  const builder = new Utf8Builder();
  for (let i = 0; i < text.length;) {
    const hex = text[i] === '\\' ? /^\\x([0-9a-fA-F]{2})/.exec(text.slice(i, i + 4)) : null;
    if (hex !== null) {
      builder.addByte(Number.parseInt(hex[1] as string, 16));
      i += 4;
    } else {
      builder.addText(text[i] === '-' ? '/' : text[i] as string);
      i++;
    }
  }
  return builder.finish() ?? text;
}

/** The absolute path that an escaped name stands for (`systemd-escape --unescape --path`), or null if it stands for none. */
export function unescapePath(text: string): string | null {
  if (text === '') return null;
  if (text === '-') return '/';
  // A slash at either end, or two in a row, would be a path that escaping would have written differently.
  if (/^-|--|-$/.test(text)) return null;
  const path = `/${unescapeUnitName(text)}`;
  return path.split('/').slice(1).some((part) => part === '' || part === '.' || part === '..') ? null : path;
}
