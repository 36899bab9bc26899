/** `site.json`, read at every wake: one file, no unit file is parsed. */
import { readFileSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import { preparedVersion, type PreparedSite } from '../base/site.ts';

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
  if (!isKnown(prepared?.version)) throw new WakesockError('ERR_WAKESOCK_NOT_ENABLED', `${name}: ${path} is of a newer version of wakesock, or of none; run \`wakesock enable ${name}\``);
  return prepared as PreparedSite;
}

const isKnown = (version: unknown): boolean => Number.isSafeInteger(version) && Number(version) >= 1 && Number(version) <= preparedVersion;
