import { isKeptWhenEmpty } from './known-keys.ts';
import type { UnitEntry, UnitFile } from './unit-file.ts';

/** A unit: its main file and its drop-ins, read as one. */
export interface MergedUnit {
  /** Main file first, then drop-ins in the order in which they apply. */
  readonly files: readonly UnitFile[];
  readonly entries: readonly UnitEntry[];
  /** What a list key holds: all assignments since the last empty one, which resets the list. */
  all(section: string, key: string): readonly UnitEntry[];
  /** What a key of one value holds: the last assignment, or null if there is none or an empty one has set it back. */
  last(section: string, key: string): UnitEntry | null;
}

/**
 * Merges files as systemd does: later assignments win, lists go on, an empty assignment sets back what was assigned (`man systemd.unit`). There
 * are keys, such as booleans and time spans, of which systemd cannot read an empty value and keeps the one before; so does this.
 */
export function mergeUnits(files: readonly UnitFile[]): MergedUnit {
  const entries = files.flatMap((file) => file.entries);
  const bySection = new Map<string, Map<string, UnitEntry[]>>();
  for (const entry of entries) {
    let keys = bySection.get(entry.section);
    if (keys === undefined) bySection.set(entry.section, keys = new Map());
    let list = keys.get(entry.key);
    if (list === undefined) keys.set(entry.key, list = []);
    if (entry.value !== '') list.push(entry);
    else if (!isKeptWhenEmpty(entry.section, entry.key)) list.length = 0;
  }
  const all = (section: string, key: string): readonly UnitEntry[] => bySection.get(section)?.get(key) ?? [];
  return { files, entries, all, last: (section, key) => all(section, key).at(-1) ?? null };
}
