import { suggest } from '../unitfile/suggest.ts';

/** `; did you mean X?` for the known word that this begins or nearly is, or nothing where none is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const longer = word.replace(/^-+/, '').length < 2 ? undefined : known.find((candidate) => candidate.startsWith(word));
  const found = longer ?? suggest(word, known);
  return found === null ? '' : `; did you mean ${found}?`;
}
