import { WakesockError } from '../base/errors.ts';
import { siteNameLengthMax } from '../base/limits.ts';
import { reservedSiteNames, siteNamePattern } from '../base/site.ts';

/** The sites of a command line, each once: `SITE`, or `TEMPLATE@INSTANCE`. @throws WakesockError ERR_WAKESOCK_USAGE, ERR_WAKESOCK_SITE_NAME */
export function siteNamesOf(positionals: readonly string[]): string[] {
  if (positionals.length === 0) throw new WakesockError('ERR_WAKESOCK_USAGE', 'Expected at least one site');
  const names = [...new Set(positionals)];
  for (const name of names) checkSiteName(name);
  return names;
}

/** Names become parts of paths and unit names. */
function checkSiteName(name: string): void {
  const [prefix = '', instance, ...rest] = name.split('@');
  const fits = siteNamePattern.test(prefix) && (instance === undefined || siteNamePattern.test(instance)) && rest.length === 0
    && name.length <= siteNameLengthMax && !reservedSiteNames.includes(name);
  if (fits) return;
  throw new WakesockError('ERR_WAKESOCK_SITE_NAME',
    `Expected a site name of at most ${siteNameLengthMax} of a-z 0-9 . _ - (TEMPLATE@INSTANCE of a template; not ${reservedSiteNames.join(', ')}), got ${JSON.stringify(name)}`);
}

export function isInstance(name: string): boolean {
  return name.includes('@');
}
