/**
 * Getters of a unit's values by kind. Null, or nothing in a list, where nothing is assigned: defaults are of the key, not of the kind. They throw
 * UnitValueError where a value cannot be read, with its place in the message; systemd passes it over and has the one before.
 */
import { parseBoolean } from './boolean.ts';
import { parseCommandLines, type CommandLine } from './command-line.ts';
import { parseEnvironment } from './environment.ts';
import { parseInteger } from './integer.ts';
import type { MergedUnit } from './merge.ts';
import { parseSizeBytes } from './size.ts';
import { expandSpecifiers, type SpecifierContext } from './specifiers.ts';
import { parseTimeSpanMs } from './time-span.ts';
import type { UnitEntry } from './unit-file.ts';
import { UnitValueError } from './value-error.ts';
import { splitWords } from './words.ts';

/** @example getBoolean(mergeUnits([parseUnit('[Socket]\nAccept=no\n', 'a.socket')]), 'Socket', 'Accept') // false */
export function getBoolean(unit: MergedUnit, section: string, key: string): boolean | null {
  return single(unit, section, key, parseBoolean);
}

/** A whole number, as in C. @param min and @param max are inclusive; by default those of 64 bits with a sign */
export function getInteger(unit: MergedUnit, section: string, key: string, min = -(2n ** 63n), max = 2n ** 63n - 1n): bigint | null {
  return single(unit, section, key, (text) => parseInteger(text, min, max));
}

/** Milliseconds; `Infinity` for `infinity`. */
export function getTimeSpanMs(unit: MergedUnit, section: string, key: string): number | null {
  return single(unit, section, key, parseTimeSpanMs);
}

/** Bytes. Of keys that may hold a percentage or `infinity`, such as `MemoryMax=`, see `parseMemoryAmount`. */
export function getSizeBytes(unit: MergedUnit, section: string, key: string): bigint | null {
  return single(unit, section, key, (text) => parseSizeBytes(text));
}

/** Text. @param specifiers by letter; without, `%` stays as it is */
export function getText(unit: MergedUnit, section: string, key: string, specifiers?: SpecifierContext): string | null {
  return single(unit, section, key, (text) => (specifiers === undefined ? text : expandSpecifiers(text, specifiers)));
}

/** The words of all assignments, such as `After=`. @param specifiers by letter; without, `%` stays as it is */
export function getWords(unit: MergedUnit, section: string, key: string, specifiers?: SpecifierContext): string[] {
  return unit.all(section, key).flatMap((entry) => read(entry, (value) => splitWords(value).map(({ text }) => (specifiers === undefined ? text : expandSpecifiers(text, specifiers)))));
}

/** `Environment=`: of two of one name the later counts. @param specifiers by letter; a `%` that is not known is refused */
export function getEnvironment(unit: MergedUnit, section: string, key = 'Environment', specifiers: SpecifierContext = {}): Map<string, string> {
  return new Map(unit.all(section, key).flatMap((entry) => read(entry, (value) => parseEnvironment(value, specifiers))));
}

/** `ExecStart=` and its kin: the commands of all assignments. @param specifiers by letter; a `%` that is not known is refused */
export function getCommandLines(unit: MergedUnit, section: string, key: string, specifiers: SpecifierContext = {}): CommandLine[] {
  return unit.all(section, key).flatMap((entry) => read(entry, (value) => parseCommandLines(value, specifiers)));
}

function single<T>(unit: MergedUnit, section: string, key: string, parse: (text: string) => T): T | null {
  const entry = unit.last(section, key);
  return entry === null ? null : read(entry, parse);
}

function read<T>(entry: UnitEntry, parse: (text: string) => T): T {
  try {
    return parse(entry.value);
  } catch (error) {
    if (!(error instanceof UnitValueError)) throw error;
    const { file, line, column } = entry.place(error.offset);
    throw new UnitValueError(`${file}:${line}:${column}: ${entry.key}=: ${error.message}`, { offset: error.offset, ...(error.suggestion === null ? {} : { suggestion: error.suggestion }) });
  }
}
