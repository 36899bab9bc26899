import { UnitValueError } from './value-error.ts';

/**
 * The word that begins at `from` or after it, and where the next one does; null if there is none. As systemd's extract_first_word() with
 * EXTRACT_UNQUOTE alone: quotes go, and a backslash takes the character after it as it is.
 *
 * @param separators between words, e.g. whitespace and commas
 * @throws UnitValueError for a quote that is not closed, and a backslash at the end
 */
export function readPlainWord(value: string, from: number, separators: string): { readonly text: string; readonly offset: number; readonly next: number } | null {
  const offset = skipSeparators(value, from, separators);
  if (offset === value.length) return null;
  const parts: string[] = [];
  let quote = '';
  let i = offset;
  for (; i < value.length; i++) {
    const character = value[i] as string;
    if (character === '\\') {
      if (++i === value.length) throw new UnitValueError('Expected a character after the backslash, found none', { offset: i - 1 });
      parts.push(value[i] as string);
    } else if (quote === '' ? character === '"' || character === "'" : character === quote) {
      quote = quote === '' ? character : '';
    } else if (quote === '' && separators.includes(character)) {
      break;
    } else {
      parts.push(character);
    }
  }
  if (quote !== '') throw new UnitValueError(`Expected a closing ${quote}`, { offset });
  return { text: parts.join(''), offset, next: skipSeparators(value, i, separators) };
}

function skipSeparators(value: string, from: number, separators: string): number {
  let i = from;
  while (i < value.length && separators.includes(value[i] as string)) i++;
  return i;
}
