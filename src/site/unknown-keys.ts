import { isKeptWhenEmpty, knownKeys } from '../unitfile/known-keys.ts';
import type { MergedUnit } from '../unitfile/merge.ts';
import { quote } from '../unitfile/quote.ts';
import { suggest } from '../unitfile/suggest.ts';
import type { UnitEntry } from '../unitfile/unit-file.ts';
import type { Reading } from './reading.ts';
import { keyRow, passedSections, schema } from './schema.ts';

const sections = [...new Set(schema.map((row) => row.section))];

/** Warns of every assignment that nothing reads. Other programs' sections (`X-…`) pass. */
export function reportUnknownKeys(unit: MergedUnit, reading: Reading): void {
  for (const file of unit.files) {
    for (const node of file.nodes) {
      if (node.kind === 'section' && !isSection(node.section) && !isForeign(node.section)) reportSection(node.section, node.line, node.raw, file.file, reading);
    }
  }
  for (const entry of unit.entries) {
    if (!isSection(entry.section)) continue;
    const row = keyRow(entry.section, entry.key);
    if (row === null) reportKey(entry, reading);
    else if ('read' in row && entry.value === '' && isKeptWhenEmpty(entry.section, entry.key)) {
      reading.warning('no-effect', entry, `${entry.key}= has no effect without a value: what was assigned before stays, as with systemd`);
    }
  }
}

const isSection = (name: string): boolean => sections.includes(name as (typeof sections)[number]);
const isForeign = (name: string): boolean => passedSections.includes(name)
  || (name.startsWith('X-') && suggest(name, ['X-Wakesock']) === null);

function reportSection(section: string, line: number, raw: string, file: string, reading: Reading): void {
  const near = suggest(section, [...sections, ...passedSections]);
  const text = raw.replace(/[\r\n]+$/, '');
  reading.warning('unknown-section', { file, line, column: text.indexOf('[') + 1, text }, `Expected a section of a site file, found ${quote(section)}, which is ignored`,
    near === null ? null : `[${near}]`);
}

function reportKey(entry: UnitEntry, reading: Reading): void {
  if (knownKeys[entry.section]?.includes(entry.key) === true) {
    reading.warning('no-effect', entry, `${entry.key}= has no effect: it concerns ${entry.section === 'Unit' ? 'units that systemd starts' : 'podman\'s service'}, and a site is none`);
    return;
  }
  const elsewhere = sections.find((section) => keyRow(section, entry.key) !== null) ?? passedSections.find((section) => knownKeys[section]?.includes(entry.key) === true);
  const inSection = schema.filter((row) => row.section === entry.section && 'read' in row).map((row) => row.key);
  const near = elsewhere === undefined ? suggest(entry.key, inSection) : null;
  reading.warning('unknown-key', entry, `Expected a key of [${entry.section}], found ${quote(entry.key)}, which is ignored`,
    elsewhere === undefined ? near === null ? null : `${near}=` : `${entry.key}= in [${elsewhere}]`);
}
