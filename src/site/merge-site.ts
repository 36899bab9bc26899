import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { loadUnit } from '../unitfile/load.ts';
import { mergeUnits } from '../unitfile/merge.ts';
import type { UnitEntry } from '../unitfile/unit-file.ts';
import { keyRow } from './schema.ts';
import { assertSiteName } from './site-name.ts';

/** What a site's files come to: the assignments that count, in the order of their first mention. */
export interface MergedSite {
  readonly name: string;
  /** Main file first, then drop-ins in the order in which they apply. */
  readonly files: readonly string[];
  readonly entries: readonly UnitEntry[];
}

/** @throws WakesockError ERR_WAKESOCK_SITE_NAME, ERR_WAKESOCK_SITE_NOT_FOUND */
export function mergeSite(paths: Paths, name: string): MergedSite {
  assertSiteName(name);
  const { files, masked } = loadUnit(`${name}.container`, paths.siteDirs);
  if (files.length === 0) {
    throw new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', `Expected a file ${name}.container in ${paths.siteDirs.join(', ')}, found ${masked ? 'it masked' : 'none'}`);
  }
  const unit = mergeUnits(files);
  const keys = new Map(unit.entries.map(({ section, key }) => [`${section}\0${key}`, { section, key }]));
  const sections = [...new Set(unit.entries.map(({ section }) => section))];
  const entries = [...keys.values()].flatMap(({ section, key }) => {
    const row = keyRow(section, key);
    const all = unit.all(section, key);
    return row !== null && 'read' in row && row.list !== true ? all.slice(-1) : all;
  });
  return { name, files: files.map(({ file }) => file), entries: sections.flatMap((section) => entries.filter((entry) => entry.section === section)) };
}
