import { unescapeUnitName } from './unescape-name.ts';
import type { UnitName } from './unit-name.ts';
import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

/** What each specifier letter stands for. */
export type SpecifierContext = Readonly<Record<string, string>>;

/**
 * Replaces `%x` by the value of `x` in the context, `%%` by a percent sign (`man systemd.unit`, Specifiers).
 * @throws UnitValueError for a letter that the context does not have: the value is then not known, and never guessed.
 *   A percent sign that no letter follows stands for itself, as in systemd.
 */
export function expandSpecifiers(text: string, context: SpecifierContext): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([%a-zA-Z])/g, (whole, letter: string, offset: number) => {
    if (letter === '%') return '%';
    const value = Object.hasOwn(context, letter) ? context[letter] : undefined;
    if (value === undefined) throw new UnitValueError(`Expected a specifier that is known here, found ${quote(whole)}`, { offset, suggestion: `%${whole}` });
    return value;
  });
}

/** The specifiers that follow from a unit's name alone: %n %N %p %P %i %I %j %J. */
export function nameSpecifiers(unit: UnitName): SpecifierContext {
  const instance = unit.instance ?? '';
  const lastPart = unit.prefix.slice(unit.prefix.lastIndexOf('-') + 1);
  return {
    n: unit.name, N: unit.name.slice(0, unit.name.length - unit.type.length - 1),
    p: unit.prefix, P: unescapeUnitName(unit.prefix),
    i: instance, I: unescapeUnitName(instance),
    j: lastPart, J: unescapeUnitName(lastPart),
  };
}
