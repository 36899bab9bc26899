import { readEscape } from './escape.ts';
import { quote } from './quote.ts';
import { Utf8Builder } from './utf8.ts';
import { UnitValueError } from './value-error.ts';

/** A word of a value, quotes and escapes undone. */
export interface Word {
  readonly text: string;
  /** Where it begins in the value. */
  readonly offset: number;
  /** Offsets of backslashes that begin no known escape and were kept as they are. */
  readonly unknownEscapes: readonly number[];
}

/** systemd's WHITESPACE. */
export const isSeparator = (character: string): boolean => character === ' ' || character === '\t' || character === '\n' || character === '\r';

/**
 * Splits a value into words as systemd's extract_first_word(): whitespace separates; `"…"` and `'…'` may begin and end
 * anywhere in a word; C escapes count everywhere (`man systemd.service`, Command lines; `man systemd.syntax`, Quoting).
 *
 * @param unknownEscapes `keep` for command lines (systemd warns and goes on), `refuse` for `Environment=`
 * @throws UnitValueError for a quote that is not closed, and for escapes that are unknown or make no UTF-8
 */
export function splitWords(value: string, unknownEscapes: 'keep' | 'refuse' = 'keep'): Word[] {
  const words: Word[] = [];
  for (let read = readWord(value, 0, unknownEscapes); read !== null; read = readWord(value, read.next, unknownEscapes)) words.push(read.word);
  return words;
}

/** The word that begins at `from` or after it, and where the next one does; null if there is none. @throws UnitValueError as {@link splitWords} */
export function readWord(value: string, from: number, unknownEscapes: 'keep' | 'refuse'): { readonly word: Word; readonly next: number } | null {
  let i = from;
  while (i < value.length && isSeparator(value[i] as string)) i++;
  if (i >= value.length) return null;
  const start = i;
  const builder = new Utf8Builder();
  const kept: number[] = [];
  let open: string | null = null;
  let openedAt = 0;
  for (; i < value.length; i++) {
    const character = value[i] as string;
    if (character === '\\') {
      const escape = readEscape(value, i + 1);
      if (escape === null) {
        if (unknownEscapes === 'refuse') {
          throw new UnitValueError(`Expected an escape sequence such as \\n, \\x41 or \\\\, found ${quote(value.slice(i, i + 2))}`, { offset: i, suggestion: '\\\\' });
        }
        kept.push(i);
        builder.addText(character);
        // The character after it is taken as it is too, be it a quote's own or a separator.
        if (i + 1 < value.length) builder.addText(value[++i] as string);
        continue;
      }
      if ('byte' in escape) builder.addByte(escape.byte);
      else builder.addText(escape.text);
      i += escape.length;
    } else if (open !== null) {
      if (character === open) open = null;
      else builder.addText(character);
    } else if (character === '"' || character === "'") {
      open = character;
      openedAt = i;
    } else if (isSeparator(character)) {
      break;
    } else {
      builder.addText(character);
    }
  }
  if (open !== null) throw new UnitValueError(`Expected a closing ${open} for this one`, { offset: openedAt });
  const text = builder.finish();
  if (text === null) throw new UnitValueError('Expected escapes that make UTF-8', { offset: start });
  while (i < value.length && isSeparator(value[i] as string)) i++;
  return { word: { text, offset: start, unknownEscapes: kept }, next: i };
}
