import { readdirSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import type { SourceState } from '../base/site.ts';
import { sourcesUnchanged } from '../base/sources.ts';
import { frontKeysDefault, type FrontKeys } from '../site/front-keys.ts';
import { instancesDir, listSiteNames } from '../site/list-sites.ts';
import { loadSite } from '../site/load-site.ts';
import { RouteTable } from './route-table.ts';

/** Changes come in bursts: an editor writes, renames and removes; `enable` of a hundred sites. */
const settleMs = 50;

interface Known { readonly hosts: readonly string[]; readonly front: FrontKeys; readonly sources: readonly SourceState[]; readonly hasSocket: boolean }

/**
 * The routes, from the `Host=` of every enabled site's file, read again when a file changes. Who asks for a host meanwhile
 * is answered from what was read last.
 */
export class RouteSource {
  table = new RouteTable([]);
  readonly #paths: Paths;
  readonly #log: Log;
  #known = new Map<string, Known>();
  #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(paths: Paths, log: Log) {
    this.#paths = paths;
    this.#log = log;
    this.#reload();
  }

  /** What the site's file says to the front door. */
  keys(name: string): FrontKeys {
    return this.#known.get(name)?.front ?? frontKeysDefault;
  }

  close(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #reload(): void {
    this.#timer = null;
    // Before they are read: what changes meanwhile is another event.
    this.#watch();
    try {
      const known = new Map(this.#enabled().map((name) => [name, this.#hostsOf(name)]));
      this.#known = known;
      const recorded = new Set(entries(instancesDir(this.#paths)));
      const served = [...known].filter(([name, { hasSocket }]) => hasSocket || recorded.has(name));
      this.table = new RouteTable(served.map(([name, { hosts }]) => ({ name, hosts })));
      this.#log.info(`${this.table.size} host names of ${served.length} sites`);
      for (const { host, site, other } of this.table.claimedTwice) this.#log.warn(`${host} belongs to ${site}, and is claimed by ${other} as well`, { site: other });
    } catch (error) {
      this.#log.error('The site files could not be read; the routes stay as they were', describeError(error));
    }
  }

  /** What may have been: of a site with no socket there is a record, too. */
  #enabled(): string[] {
    const prepared = new Set(entries(preparedDir(this.#paths, '')));
    return listSiteNames(this.#paths).filter((name) => prepared.has(name));
  }

  #hostsOf(name: string): Known {
    const before = this.#known.get(name);
    if (before !== undefined && sourcesUnchanged(before.sources)) return before;
    try {
      const { places, sources, front } = loadSite(this.#paths, name);
      return { hosts: [...places.hosts.keys()], front, sources, hasSocket: places.listen.length > 0 };
    } catch (error) {
      this.#log.error(`${name} has no routes`, { site: name, ...describeError(error) });
      return { hosts: [], front: frontKeysDefault, sources: [], hasSocket: false };
    }
  }

  #watch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    const { siteDirs, stateDir } = this.#paths;
    const dropIns = siteDirs.flatMap((dir) => entries(dir).filter((name) => name.endsWith('.container.d')).map((name) => `${dir}/${name}`));
    // In /run/wakesock/sites there is a directory for each site that is awake, too.
    for (const directory of siteDirs) this.#watchDirectory(directory, (name) => /\.container(\.d)?$/.test(name));
    for (const directory of [...dropIns, preparedDir(this.#paths, ''), instancesDir(this.#paths)]) this.#watchDirectory(directory, () => true);
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

  #soon(): void {
    this.#timer ??= setTimeout(() => this.#reload(), settleMs);
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
