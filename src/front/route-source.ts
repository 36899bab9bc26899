import { watch, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { describeError } from '../base/errors.ts';
import { siteCacheSitesMax } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { LeaseAddress } from '../control/types.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import { frontKeysDefault, type FrontKeys, type RelayedSite } from '../site/front-keys.ts';
import { instancesDir } from '../site/list-sites.ts';
import type { loadSite } from '../site/load-site.ts';
import type { KeptHosts } from './kept-hosts.ts';
import { RouteTable } from './route-table.ts';
import { isMissing, SiteHostsReader, type SiteHosts } from './site-hosts.ts';

/** Changes come in bursts: an editor writes, renames and removes; `enable` of a hundred sites. */
const settleMs = 50;
/** Directories that could not be read, as when there are no descriptors left, are read again. */
const againMs = 1_000;
/** Requests go on while files are read: no longer than this are they made to wait. */
const sliceMs = 5;

/**
 * The routes, from the `Host=` of every enabled site's file, read again when a file changes. Who asks for a host meanwhile
 * is answered from what was read last.
 */
export class RouteSource {
  table = new RouteTable();
  /** The first reading is done. */
  readonly ready: Promise<void>;
  readonly #paths: Paths;
  readonly #log: Log;
  /** Of the sites that are asked for: what their files say besides their names. */
  readonly #keys = new LRUCache<string, FrontKeys>({ max: siteCacheSitesMax });
  readonly #kept: KeptHosts | null;
  #known: ReadonlyMap<string, SiteHosts>;
  /** When the reading of what is known began, in milliseconds since the epoch; null: it is an earlier front door's. */
  #readMs: number | null = null;
  #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** Loaded when there is a site that says more than its names: to read all of a site's file takes five milliseconds of a start. */
  #loadSite: typeof loadSite | null = null;
  #reading = false;
  #closed = false;

  /** @param kept what an earlier front door has read, and for the next one; null: neither */
  constructor(paths: Paths, log: Log, kept: KeptHosts | null = null) {
    this.#paths = paths;
    this.#log = log;
    this.#kept = kept;
    this.#known = kept?.read() ?? new Map<string, SiteHosts>();
    this.ready = this.#reload();
  }

  /** Whether some requests are not to wake the site: to look up its keys takes a millisecond when it is the first time. */
  hasRules(name: string): boolean {
    return this.#known.get(name)?.hasRules === true;
  }

  /** Where the site's own socket probably listens: what its file says was perhaps not enabled yet. Null: it has none. */
  address(name: string): LeaseAddress | null {
    return this.#known.get(name)?.address ?? null;
  }

  /** What the site's file says to the front door. */
  keys(name: string): FrontKeys {
    if (this.#known.get(name)?.hasDefaultKeys !== false) return frontKeysDefault;
    return this.#keys.get(name) ?? this.#readKeys(name);
  }

  /** Null: of all other sites. */
  relayed(site: string): RelayedSite | null {
    return this.#known.get(site)?.isRelayed === true ? this.keys(site).relayed : null;
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    // Not while requests go on: of a hundred thousand it takes a tenth of a second.
    if (this.#readMs !== null) this.#kept?.write(this.#known, this.#readMs);
  }

  #readKeys(name: string): FrontKeys {
    try {
      if (this.#loadSite === null) return frontKeysDefault;
      const { front, diagnostics } = this.#loadSite(this.#paths, name);
      // For want of descriptors, perhaps, and the next time it can.
      if (!diagnostics.some(({ code }) => code === 'unreadable')) this.#keys.set(name, front);
      return front;
    } catch {
      // Gone a moment ago: its routes are, too, in a moment.
      return frontKeysDefault;
    }
  }

  async #reload(): Promise<void> {
    this.#reading = true;
    // Before they are read: what changes meanwhile is another event.
    this.#watch();
    try {
      await this.#read();
    } catch (error) {
      this.#log.error('The site files could not be read; the routes stay as they were', describeError(error));
      this.#soon(againMs);
    }
    this.#reading = false;
  }

  async #read(): Promise<void> {
    const readMs = Date.now();
    const reader = await SiteHostsReader.open(this.#paths.siteDirs);
    const [recorded, prepared] = [new Set(await entries(instancesDir(this.#paths))), await entries(preparedDir(this.#paths, ''))];
    if (this.#closed) return;
    for (const directory of reader.dropInDirs) this.#watchDirectory(directory, () => true);
    const known = new Map<string, SiteHosts>();
    const table = new RouteTable();
    let sites = 0;
    let untilMs = performance.now() + sliceMs;
    // In order, since a name belongs to the first that claims it.
    for (const name of prepared.toSorted()) {
      if (performance.now() > untilMs) {
        await nextTurn();
        if (this.#closed) return;
        untilMs = performance.now() + sliceMs;
      }
      const site = this.#readOne(reader, name);
      if (site === null) continue;
      known.set(name, site);
      // Of an instance, and of a site without a socket unit, there is a record.
      if (!recorded.has(name) && (!site.hasSocket || name.includes('@'))) continue;
      sites++;
      table.add(name, site.hosts);
    }
    if (this.#loadSite === null && [...known.values()].some(({ hasDefaultKeys }) => !hasDefaultKeys)) ({ loadSite: this.#loadSite } = await import('../site/load-site.ts'));
    this.#known = known;
    this.#readMs = readMs;
    this.table = table;
    this.#keys.clear();
    this.#log.info(`${table.size} host names of ${sites} sites`);
    for (const { host, site, other } of table.claimedTwice) this.#log.warn(`${host} belongs to ${site}, and is claimed by ${other} as well`, { site: other });
  }

  #readOne(reader: SiteHostsReader, name: string): SiteHosts | null {
    try {
      const site = reader.read(name, this.#known.get(name));
      if (site?.unreadable === true) this.#log.error(`${name} has no routes: its file cannot be read (it must be readable by everybody, mode 0644)`, { site: name });
      return site;
    } catch (error) {
      this.#log.error(`${name} has no routes`, { site: name, ...describeError(error) });
      return null;
    }
  }

  #watch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    const { siteDirs, stateDir } = this.#paths;
    // In /run/wakesock/sites there is a directory for each site that is awake, too.
    for (const directory of siteDirs) this.#watchDirectory(directory, (name) => /(?:\.container(?:\.d)?|^container\.d)$/.test(name));
    for (const directory of [preparedDir(this.#paths, ''), instancesDir(this.#paths)]) this.#watchDirectory(directory, () => true);
    this.#watchDirectory(stateDir, (name) => name === 'sites' || name === 'instances');
  }

  /** What is not there yet is waited for in the directory above. @param names what in it is of interest */
  #watchDirectory(directory: string, names: (name: string) => boolean): void {
    try {
      const watcher = watch(directory, { persistent: false }, (_, name) => { if (name === null || names(name)) this.#soon(); });
      this.#watchers.push(watcher.on('error', () => this.#soon()));
    } catch {
      if (directory !== '/') this.#watchDirectory(dirname(directory), (name) => name === basename(directory));
    }
  }

  #soon(afterMs = settleMs): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      // What is being read may be from before the change.
      if (this.#reading) this.#soon();
      else void this.#reload();
    }, afterMs);
  }
}

async function entries(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    // Anything else, taken for none, would be no site at all.
    if (isMissing(error)) return [];
    throw error;
  }
}
