import { WakesockError } from '../base/errors.ts';
import { assertSiteName } from '../site/site-name.ts';

/** The sites of a command line, each once: `SITE`, or `TEMPLATE@INSTANCE`. @throws WakesockError ERR_WAKESOCK_USAGE, ERR_WAKESOCK_SITE_NAME */
export function siteNamesOf(positionals: readonly string[]): string[] {
  if (positionals.length === 0) throw new WakesockError('ERR_WAKESOCK_USAGE', 'Expected at least one site');
  const names = [...new Set(positionals)];
  for (const name of names) assertSiteName(name);
  return names;
}

export function isInstance(name: string): boolean {
  return name.includes('@');
}
