import type { Paths } from '../base/paths.ts';
import { frontKeysDefault, type FrontKeys, type RelayedSite } from '../site/front-keys.ts';
import { SiteCache } from '../site/site-cache.ts';
import { RouteTable } from './route-table.ts';

/** In the place of {@link RouteSource} where there are only sockets of relayed sites: no names, and of all site files theirs only. */
export class RelayedOnly {
  readonly table = new RouteTable();
  readonly ready = Promise.resolve();
  readonly #sites: SiteCache;

  constructor(paths: Paths) {
    this.#sites = new SiteCache(paths);
  }

  hasRules(): boolean {
    return false;
  }

  /** Of a site's own socket: relayed sites are not knocked at. */
  address(): null {
    return null;
  }

  keys(name: string): FrontKeys {
    try {
      return this.#sites.load(name).front;
    } catch {
      // Gone a moment ago: its socket is, too, in a moment.
      return frontKeysDefault;
    }
  }

  /** Null: of all other sites. */
  relayed(name: string): RelayedSite | null {
    return this.keys(name).relayed;
  }

  close(): void {}
}
