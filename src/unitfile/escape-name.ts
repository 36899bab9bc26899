import { UnitValueError } from './value-error.ts';
import { utf8Bytes } from './utf8.ts';
import { simplifyPath } from './command-line.ts';

const plain = /^[A-Za-z0-9:_.]$/;

/**
 * Escapes text for a unit's name as `systemd-escape`: `/` becomes `-`; what is not a letter, digit, `:`, `_` or `.`, and a dot at the start,
 * becomes `\xNN` bytewise. Undone by `unescapeUnitName`.
 *
 * @example
 * escapeUnitName('a-b/c') // 'a\\x2db-c'
 */
export function escapeUnitName(text: string): string {
  let escaped = '';
  for (const [index, byte] of utf8Bytes(text).entries()) {
    const character = String.fromCharCode(byte);
    if (character === '/') escaped += '-';
    else if (plain.test(character) && !(index === 0 && character === '.')) escaped += character;
    else escaped += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}

/**
 * Escapes an absolute path as `systemd-escape --path`: slashes tidied, `/` alone is `-`. Undone by `unescapePath`.
 * @throws UnitValueError for a path with `..`
 * @example
 * escapePath('/srv/my data/') // 'srv-my\\x20data'
 */
export function escapePath(path: string): string {
  const simple = simplifyPath(path).replace(/^\//, '');
  if (simple.split('/').includes('..')) throw new UnitValueError('Expected a path without ".."');
  return simple === '' ? '-' : escapeUnitName(simple);
}
