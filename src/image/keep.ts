/**
 * Images that sites need are not anybody's leftovers: `podman image prune` removes what has no name, and an image loses its name to its next
 * version while a site still runs on it. So each has a name of ours for as long as a site is prepared with it, or runs on it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { preparedDir, type Paths } from '../base/paths.ts';
import type { FoundImage, ImageStore } from '../base/site.ts';
import { imageAnnotation } from '../runtime/bundle.ts';
import { readPrepared } from '../runtime/prepared.ts';
import { runPodman } from './podman.ts';
import { imageListPath, readImageNames } from './store.ts';

const prefix = 'localhost/wakesock/used:';

const keptName = (id: string): string => `${prefix}${id.slice(0, 12)}`;

/** False where it was kept already. @throws WakesockError `ERR_WAKESOCK_PODMAN` */
export async function keepImage({ store, id }: FoundImage): Promise<boolean> {
  if (readImageNames(store).get(keptName(id)) === id) return false;
  await runPodman(['tag', id, keptName(id)]);
  return true;
}

/**
 * Takes our names from images that no site needs any more; the images stay.
 * @throws WakesockError `ERR_WAKESOCK_PODMAN`
 */
export async function releaseImages(paths: Paths, store: ImageStore): Promise<void> {
  // podman has been taken away, images and all.
  if (!existsSync(imageListPath(store))) return;
  const used = usedImages(paths);
  for (const [name, id] of readImageNames(store)) {
    if (name.startsWith(prefix) && !used.has(id)) await runPodman(['untag', id, name]);
  }
}

/** Where the images of these sites are. */
export function storesOf(paths: Paths, names: readonly string[]): ImageStore[] {
  const stores = names.filter((name) => existsSync(`${preparedDir(paths, name)}/site.json`)).flatMap((name) => readPrepared(paths, name).image?.store ?? []);
  return [...new Map(stores.map((store) => [store.root, store])).values()];
}

/** What sites are prepared with, and what those that are awake were started with. */
export function usedImages({ stateDir, runtimeDir }: Paths): Set<string> {
  const prepared = filesBelow(`${stateDir}/sites`, 'site.json').map((text) => (JSON.parse(text) as { image?: { id?: string } | null }).image?.id);
  const running = filesBelow(`${runtimeDir}/crun`, 'config.json').map((text) => (JSON.parse(text) as { annotations?: Record<string, string> }).annotations?.[imageAnnotation]);
  return new Set([...prepared, ...running].filter((id) => id !== undefined));
}

/** The text of each `DIRECTORY/NAME/FILE` that there is. */
function filesBelow(directory: string, file: string): string[] {
  return listOrNothing(directory).flatMap((name) => {
    try {
      return readFileSync(`${directory}/${name}/${file}`, 'utf8');
    } catch (error) {
      if (isAbsence(error)) return [];
      throw error;
    }
  });
}

function listOrNothing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
