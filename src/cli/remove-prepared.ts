import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { releaseAddresses } from '../runtime/addresses.ts';
import { preparedDir, type Paths } from '../base/paths.ts';

/** What preparing renders, anew each time. */
const rendered = ['config.json', 'site.json', 'hosts', 'resolv.conf', 'netavark.json'];
/** What programs write into. */
const dataDirectories = ['root', 'upper', 'volumes'];

export function isPrepared(paths: Paths, name: string): boolean {
  return existsSync(`${preparedDir(paths, name)}/site.json`);
}

/**
 * Removes what preparing wrote. Where its program has left any file, that stays: in the writable root of a `Root=host` site, in what a site
 * with an image has written above it, or in a volume that the image lacks.
 * @returns where, if anything stays
 */
export function removePrepared(paths: Paths, name: string): string | null {
  const directory = preparedDir(paths, name);
  releaseAddresses(paths, name);
  for (const file of rendered) rmSync(`${directory}/${file}`, { force: true });
  // Nothing is mounted there any more, and overlayfs makes its own anew; the second is left by who was killed while it was prepared.
  for (const path of ['work', 'upper.trial']) rmSync(`${directory}/${path}`, { recursive: true, force: true });
  const kept = dataDirectories.map((data) => `${directory}/${data}`).filter((path) => {
    if (!existsSync(path)) return false;
    if (holdsFiles(path)) return true;
    rmSync(path, { recursive: true });
    return false;
  });
  if (kept.length === 0) removeIfEmpty(directory);
  return kept.length > 1 ? directory : kept[0] ?? null;
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

/** The bare root of a `Root=host` site has directories and links only. What an overlay remembers to be deleted is a device node. */
function holdsFiles(data: string, directory = data): boolean {
  return readdirSync(directory, { withFileTypes: true }).some((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return holdsFiles(data, path);
    if (entry.isSymbolicLink()) return !data.endsWith('/root');
    // Made by crun to mount something there.
    if ((path === `${data}/etc/hosts` || path === `${data}/etc/resolv.conf`) && lstatSync(path).size === 0) return false;
    return entry.isFile() || entry.isCharacterDevice();
  });
}
