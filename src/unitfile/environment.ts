import { quote } from './quote.ts';
import { expandSpecifiers, type SpecifierContext } from './specifiers.ts';
import { UnitValueError } from './value-error.ts';
import { splitWords } from './words.ts';

/**
 * Reads `Environment=`: words, each `NAME=value`, quotes and C escapes undone, specifiers expanded in each word
 * afterwards (`man systemd.exec`). @throws UnitValueError
 */
export function parseEnvironment(text: string, specifiers: SpecifierContext = { }): [name: string, value: string][] {
  return splitWords(text, 'refuse').map((word) => {
    const expanded = expandSpecifiers(word.text, specifiers);
    const equals = expanded.indexOf('=');
    const name = expanded.slice(0, Math.max(0, equals));
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new UnitValueError(`Expected NAME=value with a name of letters, digits and underscores, found ${quote(expanded)}`, {
        offset: word.offset, ...(equals < 0 && /^[A-Za-z_][A-Za-z0-9_]*$/.test(expanded) ? { suggestion: `"… ${expanded}" in quotes if it belongs to the value before` } : {}),
      });
    }
    const value = expanded.slice(equals + 1);
    if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(value)) throw new UnitValueError(`Expected a value of ${name} without control characters`, { offset: word.offset });
    return [name, value];
  });
}
