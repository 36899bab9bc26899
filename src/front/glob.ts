const STAR = '*';
const ANY = '?';

/**
 * Whether `*` (any text, slashes included) and `?` (one character) of the pattern can stand for what is there. In time of text × pattern at
 * most: the text is anybody's.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  /** Behind the last star, and the text that it was tried with last. */
  let afterStar = -1;
  let starText = 0;
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === STAR) {
      afterStar = ++p;
      starText = t;
    } else if (p < pattern.length && (pattern[p] === ANY || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (afterStar !== -1) {
      p = afterStar;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern[p] === STAR) p++;
  return p === pattern.length;
}
