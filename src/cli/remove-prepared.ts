import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { preparedDir, type Paths } from '../base/paths.ts';

/** What preparing renders, anew each time. */
const rendered = ['config.json', 'site.json', 'hosts'];

export function isPrepared(paths: Paths, name: string): boolean {
  return existsSync(`${preparedDir(paths, name)}/site.json`);
}

/**
 * Removes what preparing wrote. The writable root of a `Root=host` site stays if its program has left any file there.
 * @returns that root, if it stays
 */
export function removePrepared(paths: Paths, name: string): string | null {
  const directory = preparedDir(paths, name);
  const root = `${directory}/root`;
  for (const file of rendered) rmSync(`${directory}/${file}`, { force: true });
  if (existsSync(root)) {
    if (holdsFiles(root)) return root;
    rmSync(root, { recursive: true });
  }
  removeIfEmpty(directory);
  return null;
}

/** True: it is gone. */
export function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EBUSY') return false;
    throw error;
  }
}

/** The bare root has directories and links only. */
function holdsFiles(directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true })
    .some((entry) => entry.isFile() || (entry.isDirectory() && holdsFiles(`${directory}/${entry.name}`)));
}
