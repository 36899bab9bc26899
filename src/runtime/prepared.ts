/** `site.json`, read at every wake: one file, no unit file is parsed. */
import { readFileSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import type { PreparedSite } from '../base/site.ts';

/** @throws WakesockError ERR_WAKESOCK_NOT_ENABLED, ERR_WAKESOCK_STATE_DIR */
export function readPrepared(paths: Paths, name: string): PreparedSite {
  const path = `${preparedDir(paths, name)}/site.json`;
  let prepared: PreparedSite | null;
  try {
    prepared = JSON.parse(readFileSync(path, 'utf8')) as PreparedSite | null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new WakesockError('ERR_WAKESOCK_NOT_ENABLED', `${name}: ${path} is missing; run \`wakesock enable ${name}\``);
    }
    throw new WakesockError('ERR_WAKESOCK_STATE_DIR', `${path} could not be read: ${(error as Error).message}`, { cause: error });
  }
  if (prepared?.version !== 1) throw new WakesockError('ERR_WAKESOCK_NOT_ENABLED', `${name}: ${path} is of another version; run \`wakesock enable ${name}\``);
  return prepared;
}
