import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import type { Site, SourceState } from '../base/site.ts';
import type { Diagnostic } from '../unitfile/diagnostic.ts';
import { loadUnit } from '../unitfile/load.ts';
import { mergeUnits } from '../unitfile/merge.ts';
import type { Place } from '../unitfile/unit-file.ts';
import { splitUnitName, type UnitName } from '../unitfile/unit-name.ts';
import { assembleSite } from './assemble.ts';
import { emptyDraft, type SiteDraft } from './draft.ts';
import { frontKeysOf, type FrontKeys } from './front-keys.ts';
import { Reading } from './reading.ts';
import { schema } from './schema.ts';
import { assertSiteName } from './site-name.ts';
import { specifiersOf } from './site-specifiers.ts';
import { reportUnknownKeys } from './unknown-keys.ts';

/** Where the values of a site stand that other checks speak of. */
export interface SitePlaces {
  /** The main file. */
  readonly file: string;
  readonly root: Place | null;
  readonly exec: Place | null;
  /** `Unit=`. */
  readonly unit: Place | null;
  readonly network: Place | null;
  /** By index of `site.listen`. */
  readonly listen: readonly Place[];
  /** By host name. */
  readonly hosts: ReadonlyMap<string, Place>;
  /** By target of `site.mounts`. */
  readonly mounts: ReadonlyMap<string, Place>;
  /** By name: one secret may be given in several ways. */
  readonly secrets: ReadonlyMap<string, Place>;
  /** By ID. */
  readonly credentials: ReadonlyMap<string, Place>;
  /** By path on the machine. */
  readonly devices: ReadonlyMap<string, Place>;
  /** Files that the front door sends: `WaitPage=`, `file:` of `NoWake=`. */
  readonly frontFiles: readonly { readonly path: string; readonly place: Place }[];
}

export interface LoadedSite {
  /** Null if there is any error among the diagnostics. */
  readonly site: Site | null;
  readonly diagnostics: readonly Diagnostic[];
  /** Every file and directory whose change may change the result, what does not exist included. */
  readonly sources: readonly SourceState[];
  readonly places: SitePlaces;
  /** What the front door does for it; of a site with errors, as far as it could be read. */
  readonly front: FrontKeys;
}

/**
 * Reads a site from its files: `SITE.container` (for an instance also `TEMPLATE@.container`) in the search path, and its drop-ins.
 * @throws WakesockError ERR_WAKESOCK_SITE_NAME, ERR_WAKESOCK_SITE_NOT_FOUND; what is wrong inside the files is in `diagnostics`
 */
export function loadSite(paths: Paths, name: string): LoadedSite {
  assertSiteName(name);
  const unit = loadUnit(`${name}.container`, paths.siteDirs);
  const [main] = unit.files;
  if (main === undefined) {
    throw new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', unit.masked
      ? `Expected a file ${name}.container, found it masked (empty, or a link to /dev/null)`
      : `Expected a file ${name}.container in ${paths.siteDirs.join(', ')}, found none`);
  }
  const reading = new Reading(main.file, paths.siteDirs, specifiersOf(splitUnitName(unit.name) as UnitName));
  for (const file of unit.files) reading.diagnostics.push(...file.diagnostics);
  const merged = mergeUnits(unit.files);
  reportUnknownKeys(merged, reading);
  const draft = emptyDraft();
  for (const row of schema) {
    const entries = merged.all(row.section, row.key);
    if (entries.length === 0) continue;
    if ('read' in row) {
      row.read(draft, entries, reading);
    } else if (row.refused !== 'silent') {
      for (const entry of entries) {
        if (row.refused === 'error') reading.error('ERR_WAKESOCK_NOT_SUPPORTED', entry, `${row.key}=: ${row.reason}`);
        else reading.warning('no-effect', entry, `${row.key}= has no effect: ${row.reason}`);
      }
    }
  }
  const site = assembleSite(name, draft, reading);
  const failed = reading.diagnostics.some((diagnostic) => diagnostic.severity === 'error');
  const order = new Map(unit.files.map((file, i) => [file.file, i]));
  const rank = (file: string): number => order.get(file) ?? unit.files.length;
  const listen = draft.listen.length > 0 ? draft.listen : draft.published;
  return {
    site: failed ? null : site,
    diagnostics: reading.diagnostics.toSorted((a, b) => rank(a.file) - rank(b.file) || a.line - b.line || a.column - b.column),
    sources: [...unit.sources, ...reading.sources],
    places: {
      file: main.file,
      root: draft.roots[0]?.entry.place() ?? null,
      exec: draft.exec?.entry.place() ?? null,
      unit: draft.unit?.entry.place() ?? null,
      network: draft.networks[0]?.entry.place() ?? null,
      listen: listen.map(({ entry }) => entry.place()),
      hosts: new Map(draft.hosts.map(({ value, entry }) => [value, entry.place()])),
      mounts: new Map(draft.mounts.map(({ value, entry }) => [value.target, entry.place()])),
      secrets: new Map(draft.secrets.map(({ value, entry }) => [value.name, entry.place()])),
      credentials: new Map([...draft.credentials].map(([id, { entry }]) => [id, entry.place()])),
      devices: new Map(draft.devices.map(({ value, entry }) => [value.source, entry.place()])),
      frontFiles: frontFiles(draft),
    },
    front: frontKeysOf(draft),
  };
}

function frontFiles({ front: { waitPage, noWake } }: SiteDraft): SitePlaces['frontFiles'] {
  const page = waitPage === null ? [] : [{ path: waitPage.value, place: waitPage.entry.place() }];
  return [...page, ...noWake.flatMap(({ value: { answer }, entry }) => ('file' in answer ? [{ path: answer.file, place: entry.place() }] : []))];
}
