import { SP, TAB } from './octets.ts';

/** Without the spaces and tabs around it. A regular expression that looks for those at the end takes the square of what stands within: 16 KiB of them 0.4 s. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SP || code === TAB;
}
