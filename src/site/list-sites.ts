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
  const files = siteFiles(paths);
  const names = new Set([...files].filter(([name, masked]) => !masked && siteNameProblem(name) === null).map(([name]) => name));
  for (const name of entriesOf(instancesDir(paths))) {
    const at = name.indexOf('@');
    if (at > 0 && !files.has(name) && files.get(name.slice(0, at + 1)) === false && siteNameProblem(name) === null) names.add(name);
  }
  return [...names].toSorted();
}

/** The templates in the search path, without the `@`, sorted. */
export function listTemplateNames(paths: Paths): string[] {
  const names = [...siteFiles(paths)].filter(([name, masked]) => !masked && name.endsWith('@')).map(([name]) => name.slice(0, -1));
  return names.filter((name) => siteNameProblem(name) === null).toSorted();
}

/** By name without suffix (`blog`, `blog@`, `blog@alice`): whether the file that counts is masked. */
function siteFiles(paths: Paths): Map<string, boolean> {
  const masked = new Map<string, boolean>();
  for (const dir of paths.siteDirs) {
    for (const file of entriesOf(dir)) {
      const name = file.slice(0, -suffix.length);
      if (file.endsWith(suffix) && !masked.has(name)) masked.set(name, isMasked(`${dir}/${file}`));
    }
  }
  return masked;
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
