const STAR = 0x2A;
const ANY = 0x3F;

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
    if (p < pattern.length && pattern.charCodeAt(p) === STAR) {
      afterStar = ++p;
      starText = t;
      if (p === pattern.length) return true;
    } else if (p < pattern.length && (pattern.charCodeAt(p) === ANY || pattern.charCodeAt(p) === text.charCodeAt(t))) {
      p++;
      t++;
    } else if (afterStar !== -1) {
      p = afterStar;
      // To where the star may end next.
      starText = pattern.charCodeAt(p) === ANY ? starText + 1 : text.indexOf(pattern.charAt(p), starText + 1);
      if (starText === -1) return false;
      t = starText;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern.charCodeAt(p) === STAR) p++;
  return p === pattern.length;
}
