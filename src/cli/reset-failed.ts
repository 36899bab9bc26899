import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { controlClient } from '../control/client.ts';
import { storedState } from '../control/stored-state.ts';
import { activatorState } from './activator-state.ts';

const parallelMax = 16;

/**
 * Ends the back-off of sites that were prepared anew: what was wrong with them may have been mended. An activator remembers it only as long as it is
 * there; where none runs, it is started only for what the disk says has failed.
 * @param problem is told where the activator does not do it: the site is tried again when its back-off is over
 */
export async function resetFailed(paths: Paths, names: readonly string[], problem: (name: string, error: WakesockError) => void): Promise<void> {
  if (names.length === 0) return;
  const { activator } = await activatorState();
  const queue = names.filter((name) => activator.state === 'running' || storedState(paths, name).state === 'failed');
  const client = controlClient(paths.controlPath);
  const work = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      try {
        await client.resetFailed(name);
      } catch (error) {
        if (!(error instanceof WakesockError)) throw error;
        // It does not know the site yet, or there is none that turns anybody away.
        if (error.code !== 'ERR_WAKESOCK_SITE_NOT_FOUND' && error.code !== 'ERR_WAKESOCK_NOT_RUNNING') problem(name, error);
      }
    }
  };
  await Promise.all(Array.from({ length: parallelMax }, work));
}
