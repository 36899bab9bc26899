/** Which host names a site has, and what else decides about its routes: a small part of its files, since there may be a hundred thousand. */
import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { ListenAddress } from '../base/site.ts';
import { leaseAddressOf } from '../control/lease-address.ts';
import type { LeaseAddress } from '../control/types.ts';
import { parseListenAddress } from '../site/listen-address.ts';
import { parsePublishPort } from '../site/publish-port.ts';
import { parseHosts } from '../site/values.ts';
import { specifiersOf } from '../site/site-specifiers.ts';
import { loadUnit, readUnitFile } from '../unitfile/load.ts';
import { mergeUnits, type MergedUnit } from '../unitfile/merge.ts';
import { expandSpecifiers } from '../unitfile/specifiers.ts';
import { dropInNames, splitUnitName, templateOf, type UnitName } from '../unitfile/unit-name.ts';
import type { UnitEntry, UnitFile } from '../unitfile/unit-file.ts';
import { UnitValueError } from '../unitfile/value-error.ts';

export interface SiteHosts {
  readonly hosts: readonly string[];
  /** `ListenStream=` or `PublishPort=`: it has a socket unit. */
  readonly hasSocket: boolean;
  /** Where its first socket listens once the file as it is has been enabled; null where it has none, or what is written is no address. */
  readonly address: LeaseAddress | null;
  /** `NoWake=` */
  readonly hasRules: boolean;
  /** It says nothing else to the front door: `frontKeysDefault` holds for it, for which nothing more need be read. */
  readonly hasDefaultKeys: boolean;
  /** `Handoff=relay`: the front door connects to what serves it. */
  readonly isRelayed: boolean;
  /** Its file may not be read. */
  readonly unreadable: boolean;
  /** Of a site that is one file and nothing else: to be known again. */
  readonly file: FileRead | null;
}

/** By its path and these it is known to be as it was. */
interface FileRead {
  readonly path: string;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  /** Nobody can set it back. */
  readonly ctimeMs: number;
}

interface Directory {
  readonly path: string;
  readonly files: ReadonlySet<string>;
  readonly links: ReadonlySet<string>;
}

/**
 * Reads sites against one listing of their directories, so that what does not exist is not looked for. Instances that have nothing of their own
 * share what their template says.
 */
export class SiteHostsReader {
  readonly #dirs: readonly string[];
  readonly #listing: readonly Directory[];
  readonly #dropIns = new Set<string>();
  readonly #templates = new Map<string, MergedUnit | null>();
  /** Directories of drop-ins, whose changes are changes of sites. */
  readonly dropInDirs: readonly string[];

  private constructor(dirs: readonly string[], listing: readonly Directory[]) {
    this.#dirs = dirs;
    this.#listing = listing;
    this.dropInDirs = listing.flatMap(({ path, files }) => [...files].filter((name) => name.endsWith('container.d')).map((name) => {
      this.#dropIns.add(name);
      return `${path}/${name}`;
    }));
  }

  static async open(dirs: readonly string[]): Promise<SiteHostsReader> {
    return new SiteHostsReader(dirs, await Promise.all(dirs.map(list)));
  }

  /** @returns null where it has no file @param before what was read of it last */
  read(name: string, before: SiteHosts | undefined): SiteHosts | null {
    const unit = splitUnitName(`${name}.container`);
    if (unit === null) return null;
    const template = templateOf(unit);
    const own = this.#find(unit.name);
    const shared = own === null && template !== null ? this.#find(template) : null;
    if (own === null && shared === null) return null;
    const { own: ownDropIns, type } = dropInNames(unit);
    // Drop-ins for all, and those of a template, are its instances' as well.
    const hasDropIns = this.#dropIns.size > 0 && (this.#dropIns.has(`${unit.name}.d`) || (own !== null && [...ownDropIns, type].some((each) => this.#dropIns.has(`${each}.d`))));
    if (hasDropIns || own?.isLink === true) return hostsOf(unit, mergeUnits(loadUnit(unit.name, this.#dirs).files), null);
    if (own === null) return this.#ofTemplate(unit, template as string);
    return ofFile(unit, own.path, before);
  }

  #ofTemplate(unit: UnitName, template: string): SiteHosts | null {
    let merged = this.#templates.get(template);
    if (merged === undefined) {
      // By way of any instance of it, whose drop-ins, having none of its own, are the template's.
      const { files } = loadUnit(unit.name, this.#dirs);
      this.#templates.set(template, merged = files.length === 0 ? null : mergeUnits(files));
    }
    return merged === null ? null : hostsOf(unit, merged, null);
  }

  #find(file: string): { path: string; isLink: boolean } | null {
    const directory = this.#listing.find(({ files }) => files.has(file));
    return directory === undefined ? null : { path: `${directory.path}/${file}`, isLink: directory.links.has(file) };
  }
}

function ofFile(unit: UnitName, path: string, before: SiteHosts | undefined): SiteHosts | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.size === 0) return null;
  const { ino, size, mtimeMs, ctimeMs } = stat;
  const file = { path, ino, size, mtimeMs, ctimeMs };
  if (before?.file != null && isSame(before.file, file)) return before;
  return hostsOf(unit, mergeUnits([readUnitFile(path)]), file);
}

function isSame(one: FileRead, other: FileRead): boolean {
  return one.path === other.path && one.ino === other.ino && one.size === other.size && one.mtimeMs === other.mtimeMs && one.ctimeMs === other.ctimeMs;
}

function hostsOf(unit: UnitName, merged: MergedUnit, file: SiteHosts['file']): SiteHosts {
  const hosts = merged.all('X-Wakesock', 'Host').flatMap(({ value }) => {
    try {
      return parseHosts(expanded(value, unit));
    } catch (error) {
      // `check` tells of it.
      if (error instanceof UnitValueError) return [];
      throw error;
    }
  });
  const [listen] = merged.all('X-Wakesock', 'ListenStream');
  const isRelayed = merged.last('X-Wakesock', 'Handoff')?.value === 'relay';
  const [publish] = merged.all('Container', 'PublishPort');
  const unreadable = merged.files.some(isUnreadable);
  return {
    hosts, file,
    hasSocket: listen !== undefined || publish !== undefined,
    address: listen === undefined ? addressOf(publish?.value, unit, (text) => parsePublishPort(text).listen) : addressOf(listen.value, unit, parseListenAddress),
    hasRules: merged.all('X-Wakesock', 'NoWake').length > 0,
    hasDefaultKeys: !isRelayed && !unreadable && merged.entries.every(isNoFrontKey),
    isRelayed, unreadable,
  };
}

/** What the front door does not read besides the above. Named are those that it does not, so that a key that is forgotten here costs time and nothing else. */
const notRead = new Set(['Handoff', 'Host', 'IdleSec', 'ListenStream', 'Port', 'Root']);

function isNoFrontKey({ section, key }: UnitEntry): boolean {
  return section === 'X-Wakesock' ? notRead.has(key) : !key.includes('Timeout');
}

function addressOf(value: string | undefined, unit: UnitName, parse: (text: string) => ListenAddress): LeaseAddress | null {
  if (value === undefined) return null;
  try {
    return leaseAddressOf(parse(expanded(value, unit)));
  } catch (error) {
    if (error instanceof UnitValueError) return null;
    throw error;
  }
}

/** All specifiers of a unit are a map of thirty, which for each of a hundred thousand instances with `%i` would be most of the work. */
function expanded(value: string, unit: UnitName): string {
  if (!value.includes('%')) return value;
  const onlyInstance = !/%(?!i)/.test(value);
  return expandSpecifiers(value, onlyInstance ? { i: unit.instance ?? '' } : specifiersOf(unit));
}

function isUnreadable({ diagnostics }: UnitFile): boolean {
  return diagnostics.some(({ code }) => code === 'unreadable');
}

export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

async function list(path: string): Promise<Directory> {
  const files = new Set<string>();
  const links = new Set<string>();
  try {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      files.add(entry.name);
      if (entry.isSymbolicLink()) links.add(entry.name);
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return { path, files, links };
}
