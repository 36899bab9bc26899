import { readdirSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { isMasked } from '../unitfile/load.ts';
import { siteNameProblem } from './site-name.ts';

const suffix = '.container';

/** Where `enable TEMPLATE@INSTANCE` leaves an empty file of that name. */
export function instancesDir(paths: Paths): string {
  return `${paths.stateDir}/instances`;
}

/** The names of all sites, sorted: files in the search path that are not masked, and enabled instances of templates. */
export function listSiteNames(paths: Paths): string[] {
  const names = new Map<string, boolean>();
  const templates = new Set<string>();
  for (const dir of paths.siteDirs) {
    for (const file of entriesOf(dir)) {
      if (!file.endsWith(suffix)) continue;
      const name = file.slice(0, -suffix.length);
      if (name.endsWith('@')) templates.add(name.slice(0, -1));
      else if (!names.has(name) && siteNameProblem(name) === null) names.set(name, !isMasked(`${dir}/${file}`));
    }
  }
  for (const name of entriesOf(instancesDir(paths))) {
    if (siteNameProblem(name) === null && templates.has(name.split('@')[0] as string) && name.includes('@') && !names.has(name)) names.set(name, true);
  }
  return [...names].filter(([, exists]) => exists).map(([name]) => name).toSorted();
}

/** The templates in the search path, without the `@`. */
export function listTemplateNames(paths: Paths): string[] {
  const names = paths.siteDirs.flatMap((dir) => entriesOf(dir).filter((file) => file.endsWith(`@${suffix}`) && !isMasked(`${dir}/${file}`)));
  return [...new Set(names.map((file) => file.slice(0, -suffix.length - 1)))].filter((name) => siteNameProblem(name) === null).toSorted();
}

/** Files of the search path whose names are no site's names: nobody would ever start them. */
export function misnamedSiteFiles(paths: Paths): { path: string; problem: string }[] {
  return paths.siteDirs.flatMap((dir) => entriesOf(dir).filter((file) => file.endsWith(suffix)).flatMap((file) => {
    const name = file.slice(0, -suffix.length);
    const problem = siteNameProblem(name.endsWith('@') ? name.slice(0, -1) : name);
    return problem === null ? [] : [{ path: `${dir}/${file}`, problem }];
  }));
}

/** @throws WakesockError ERR_WAKESOCK_STATE_DIR if a directory is there and cannot be read: no sites would be a lie. */
function entriesOf(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new WakesockError('ERR_WAKESOCK_STATE_DIR', `Expected a readable directory ${dir}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
