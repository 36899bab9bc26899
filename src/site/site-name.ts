import { WakesockError } from '../base/errors.ts';
import { siteNameLengthMax } from '../base/limits.ts';
import { reservedSiteNames, siteNamePattern, siteNameSuffixesRefused } from '../base/site.ts';

/** What is wrong with a site's name, or null. An instance is `TEMPLATE@INSTANCE`, each part a name of its own. */
export function siteNameProblem(name: string): string | null {
  const found = JSON.stringify(name.slice(0, siteNameLengthMax));
  if (name.length > siteNameLengthMax) return `Expected a site name of at most ${siteNameLengthMax} characters, found ${name.length}: ${found}…`;
  const parts = name.split('@');
  if (parts.length > 2 || !parts.every((part) => siteNamePattern.test(part))) {
    return `Expected a site name that matches [a-z0-9][a-z0-9._-]*, with @INSTANCE for an instance of a template, found ${found}`;
  }
  if (reservedSiteNames.includes(name)) return `Expected a site name other than ${reservedSiteNames.join(', ')}, found ${found}`;
  const suffix = siteNameSuffixesRefused.find((one) => name.endsWith(`.${one}`));
  if (suffix !== undefined) return `Expected a site name without the suffix of a unit, found ${found}, which ends in .${suffix}`;
  return null;
}

/** @throws WakesockError ERR_WAKESOCK_SITE_NAME */
export function assertSiteName(name: string): void {
  const problem = siteNameProblem(name);
  if (problem !== null) throw new WakesockError('ERR_WAKESOCK_SITE_NAME', problem);
}
