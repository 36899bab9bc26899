/** All slow work of a site, done once: unit files → bundle (design section 7). */
import { existsSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import type { PreparedSite } from '../base/site.ts';
import { prepareBundle } from '../runtime/prepare.ts';
import { SiteCache } from './site-cache.ts';

/** The activator asks again why a site cannot be prepared, at each try to wake it. */
const caches = new WeakMap<Paths, SiteCache>();

/**
 * @param syncEtc for who prepares many sites
 * @throws WakesockError ERR_WAKESOCK_SITE_FILE with the errors of its files, or why its bundle could not be made
 */
export function prepareSite(paths: Paths, name: string, syncEtc?: () => void): PreparedSite {
  const { site, diagnostics, sources } = cacheOf(paths).load(name);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (site === null || errors.length > 0) {
    const lines = errors.map(({ file, line, message }) => `${file}:${line}: ${message}`);
    throw new WakesockError('ERR_WAKESOCK_SITE_FILE', `${name}: ${lines.join('; ')}`);
  }
  const warnings = diagnostics.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  return prepareBundle(site, paths, { sources, warnings, notifyShutdown: notifiesShutdown(paths, site.name, site.listen), ...syncEtc ? { syncEtc } : {} });
}

function cacheOf(paths: Paths): SiteCache {
  let cache = caches.get(paths);
  if (cache === undefined) caches.set(paths, cache = new SiteCache(paths));
  return cache;
}

/** A UNIX listener never heals, so no program may shut it down; of the others, those that were seen doing it may not. */
function notifiesShutdown(paths: Paths, name: string, listen: readonly { readonly family: string }[]): boolean {
  return listen.some(({ family }) => family === 'unix') || existsSync(`${paths.stateDir}/shuts-listener/${name}`);
}
