import type { UnitEntry } from '../unitfile/unit-file.ts';
import type { SiteDraft } from './draft.ts';
import type { Reading } from './reading.ts';

/** Reads the assignments of one key into the draft: all since the last empty one, at least one. */
export type ReadKey = (draft: SiteDraft, entries: readonly UnitEntry[], reading: Reading) => void;

export type SiteSection = 'Unit' | 'Container' | 'Service' | 'X-Wakesock';

interface RowBase {
  readonly section: SiteSection;
  readonly key: string;
}

/** A key that is read. `syntax` and `text` are the reference page's. */
export interface SupportedKey extends RowBase {
  readonly syntax: string;
  readonly text: string;
  readonly default?: string;
  readonly list?: boolean;
  readonly read: ReadKey;
}

/** A key of Quadlet or systemd that is known and not done. `error` where a site without it would be another site. */
export interface RefusedKey extends RowBase {
  readonly refused: 'error' | 'warning' | 'silent';
  readonly reason: string;
}

export type KeyRow = SupportedKey | RefusedKey;

/** A key of one value: the last assignment counts. */
export function one<T>(parse: (text: string) => T, set: (draft: SiteDraft, value: T, entry: UnitEntry) => void): ReadKey {
  return (draft, entries, reading) => {
    const entry = entries.at(-1) as UnitEntry;
    reading.attempt(entry, () => set(draft, parse(reading.expand(entry.value)), entry));
  };
}

/** A key that may be given several times. */
export function each<T>(parse: (text: string) => T, add: (draft: SiteDraft, value: T, entry: UnitEntry) => void): ReadKey {
  return (draft, entries, reading) => {
    for (const entry of entries) reading.attempt(entry, () => add(draft, parse(reading.expand(entry.value)), entry));
  };
}
