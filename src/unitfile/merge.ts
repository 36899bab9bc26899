import type { UnitEntry, UnitFile } from './unit-file.ts';

/** A unit: its main file and its drop-ins, read as one. */
export interface MergedUnit {
  /** Main file first, then drop-ins in the order in which they apply. */
  readonly files: readonly UnitFile[];
  readonly entries: readonly UnitEntry[];
  /** What a list key holds: all assignments since the last empty one, which resets the list. */
  all(section: string, key: string): readonly UnitEntry[];
  /** What a key of one value holds: the last assignment, or null if there is none or it is empty. */
  last(section: string, key: string): UnitEntry | null;
}

/** Merges files as systemd does: later assignments win, lists go on, an empty assignment resets (`man systemd.unit`). */
export function mergeUnits(files: readonly UnitFile[]): MergedUnit {
  const entries = files.flatMap((file) => file.entries);
  const bySection = new Map<string, Map<string, UnitEntry[]>>();
  for (const entry of entries) {
    let keys = bySection.get(entry.section);
    if (keys === undefined) bySection.set(entry.section, keys = new Map());
    let list = keys.get(entry.key);
    if (list === undefined) keys.set(entry.key, list = []);
    if (entry.value === '') list.length = 0;
    else list.push(entry);
  }
  const all = (section: string, key: string): readonly UnitEntry[] => bySection.get(section)?.get(key) ?? [];
  return { files, entries, all, last: (section, key) => all(section, key).at(-1) ?? null };
}
