/** Roots, images and disks of tests: made once, kept in a cache outside the checkout. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The directory that `make` fills, made anew only when one of `inputs` is another. Whoever is killed while making it leaves what the next call removes.
 *
 * @param make is given a path at which nothing is
 */
export async function madeOnce(kind: string, inputs: unknown, make: (unfinished: string, directory: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
  const cache = join(process.env['XDG_CACHE_HOME'] || '/var/cache', 'wakesock-test');
  const directory = join(cache, `${kind}-${hash}`);
  if (existsSync(directory)) return directory;

  await mkdir(cache, { recursive: true });
  await removeUnfinished(cache);
  const unfinished = `${directory}.making-${process.pid}`;
  try {
    await make(unfinished, directory);
    await rename(unfinished, directory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another run was quicker: what it made is as good.
    if (existsSync(directory)) return directory;
    throw error;
  }
  return directory;
}

async function removeUnfinished(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = /\.making-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rm(join(cache, name), { recursive: true, force: true });
  }
}
