import { listenFdNamesBytesMax } from '../base/limits.ts';
import type { Paths } from '../base/paths.ts';
import type { ListenAddress, Site } from '../base/site.ts';
import type { Diagnostic } from '../unitfile/diagnostic.ts';
import type { Place } from '../unitfile/unit-file.ts';
import { controlFdName, leaseFdName, systemUnitDirs } from '../systemd/unit-names.ts';
import { checkSocketUnits } from './check-socket-units.ts';
import { listSiteNames, misnamedSiteFiles } from './list-sites.ts';
import { loadSite, type LoadedSite } from './load-site.ts';

/**
 * What only shows across files: two sites on one address or host name, names that are no site's, too many descriptor
 * names, socket units of wakesock.service that cannot work. What is wrong within a site is not repeated.
 *
 * @param loaded the sites, if the caller has read them already
 */
export function checkConfiguration(
  paths: Paths, loaded: ReadonlyMap<string, LoadedSite> = loadAll(paths), unitDirs: readonly string[] = systemUnitDirs,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const report = (code: string, place: Place | null, file: string, message: string, suggestion: string | null = null): void => {
    const at = place ?? { file, line: 0, column: 0, text: '' };
    found.push({ severity: 'error', code, file: at.file, line: at.line, column: at.column, text: at.text, message, suggestion });
  };
  for (const { path, problem } of misnamedSiteFiles(paths)) report('ERR_WAKESOCK_SITE_NAME', null, path, problem);

  const addresses = new Map<string, { name: string; address: string }>();
  const hosts = new Map<string, string>();
  for (const [name, { site, places }] of loaded) {
    for (const [i, listen] of (site?.listen ?? []).entries()) {
      const other = claim(addresses, listen, name);
      if (other !== null) report('conflict', places.listen[i] ?? null, places.file, `Expected an address of its own for site ${name}, found ${listen.text}, which ${other.address === listen.text ? 'is' : `overlaps ${other.address}`} of site ${other.name}`);
    }
    for (const host of site?.hosts ?? []) {
      const other = hosts.get(host);
      if (other === undefined) hosts.set(host, name);
      else report('conflict', places.hosts.get(host) ?? null, places.file, `Host=: Expected a host name of its own for site ${name}, found ${host}, which is of site ${other}`);
    }
  }

  const units = checkSocketUnits(new Map([...loaded].map(([name, { site }]) => [name, declaredPorts(site)])), unitDirs);
  found.push(...units.diagnostics);
  const bytes = descriptorNameBytes(loaded, units.descriptors);
  if (bytes > listenFdNamesBytesMax) {
    report('ERR_WAKESOCK_LIMIT', null, paths.siteDirs[0] ?? '', `Expected descriptor names of at most ${listenFdNamesBytesMax} bytes together (LISTEN_FDNAMES), found ${bytes}`,
      'shorter site names, or sites with Host= only');
  }
  return found;
}

export function loadAll(paths: Paths): Map<string, LoadedSite> {
  return new Map(listSiteNames(paths).map((name) => [name, loadSite(paths, name)]));
}

/** Every address is claimed under its own key; a wildcard also meets the single addresses of its port, and they it. */
function claim(claims: Map<string, { name: string; address: string }>, listen: ListenAddress, name: string): { name: string; address: string } | null {
  const owner = { name, address: listen.text };
  if (listen.family === 'unix') return claimKeys(claims, [listen.path], [listen.path], owner);
  const wildcard = listen.address === (listen.family === 'ipv4' ? '0.0.0.0' : '::');
  const port = `${listen.family} ${listen.port}`;
  return wildcard ? claimKeys(claims, [`${port} any`], [`${port} any`, `${port} all`], owner)
    : claimKeys(claims, [listen.text, `${port} all`], [listen.text, `${port} any`], owner);
}

function claimKeys<T extends { name: string }>(claims: Map<string, T>, own: readonly string[], meets: readonly string[], owner: T): T | null {
  const other = meets.map((key) => claims.get(key)).find((claim) => claim !== undefined && claim.name !== owner.name);
  for (const key of own) if (!claims.has(key)) claims.set(key, owner);
  return other ?? null;
}

function declaredPorts(site: Site | null): Set<string> | null {
  if (site === null || site.listen.length === 0) return null;
  return new Set(site.listen.map((listen) => (listen.family === 'unix' ? listen.path : String(listen.port))));
}

/** As systemd writes LISTEN_FDNAMES: a name for each descriptor, a colon between. `enable` makes one unit of each site. */
function descriptorNameBytes(loaded: ReadonlyMap<string, LoadedSite>, fromUnits: ReadonlyMap<string, number>): number {
  const counts = new Map(fromUnits);
  for (const [name, { site }] of loaded) counts.set(name, Math.max(counts.get(name) ?? 0, site?.listen.length ?? 0));
  let bytes = `${controlFdName}:${leaseFdName}`.length;
  for (const [name, count] of counts) bytes += count * (name.length + 1);
  return bytes;
}
