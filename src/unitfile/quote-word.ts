import { UnitValueError } from './value-error.ts';

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\\': '\\\\', '"': '\\"' };

/**
 * Writes a word so that systemd reads the same word again (`man systemd.syntax`, Quoting): as it is where it can be, else in double
 * quotes with C escapes. Percent and dollar signs stay as they are: see {@link escapeSpecifiers} and `formatCommandLine`.
 *
 * @throws UnitValueError for NUL, which cannot be written
 * @example
 * quoteWord("it's 5") // '"it\'s 5"'
 */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new UnitValueError('Expected text without NUL', { offset: word.indexOf('\0') });
  if (/^[A-Za-z0-9_./:=@,+%$^~?*&|<>(){}[\]!-]+$/.test(word)) return word;
  const inside = word.replace(/["\\\u0001-\u001f\u007f]/g, (character) => escapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `"${inside}"`;
}

/** Writes words as one value that `splitWords` takes apart into the same words. @throws UnitValueError for NUL */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

/** Doubles percent signs, so that they are not taken for specifiers. */
export function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%');
}
