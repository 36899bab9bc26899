import { LRUCache } from 'lru-cache';
import { siteCacheBytesMax, siteCacheSitesMax } from '../base/limits.ts';
import type { Paths } from '../base/paths.ts';
import { sourcesUnchanged } from '../base/sources.ts';
import { loadSite, type LoadedSite } from './load-site.ts';

/** A parsed site holds its text, its entries with their places, and its values: measured, some eight times its files. */
const bytesPerFileByte = 8;
const bytesPerSite = 4096;

/**
 * Parsed sites, for as long as their files are as they were: each look costs a stat(2) of each, no file is read. Bounded in number and
 * bytes, so that of a hundred thousand sites those in use are held.
 */
export class SiteCache {
  readonly #paths: Paths;
  readonly #loaded: LRUCache<string, LoadedSite>;

  constructor(paths: Paths, options: { readonly sitesMax?: number; readonly bytesMax?: number } = {}) {
    this.#paths = paths;
    this.#loaded = new LRUCache({
      max: options.sitesMax ?? siteCacheSitesMax, maxSize: options.bytesMax ?? siteCacheBytesMax,
      sizeCalculation: ({ sources }) => bytesPerSite + bytesPerFileByte * sources.reduce((sum, { size }) => sum + (size ?? 0), 0),
    });
  }

  /** @throws WakesockError as {@link loadSite}; a site that is not there is not remembered */
  load(name: string): LoadedSite {
    const known = this.#loaded.get(name);
    if (known !== undefined && sourcesUnchanged(known.sources)) return known;
    this.#loaded.delete(name);
    const loaded = loadSite(this.#paths, name);
    this.#loaded.set(name, loaded);
    return loaded;
  }

  /** Sites that are held, and the bytes that they are taken for. */
  get held(): { readonly sites: number; readonly bytes: number } {
    return { sites: this.#loaded.size, bytes: this.#loaded.calculatedSize };
  }
}
