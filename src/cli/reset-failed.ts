import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { controlClient } from '../control/client.ts';
import { storedState } from '../control/stored-state.ts';
import { activatorState } from './activator-state.ts';
import { inParallel } from './in-parallel.ts';

const parallelMax = 16;
/** One that cannot be started leaves the question in systemd's socket for ever. A thousand sites that are awake take the activator seconds to take over. */
const answerMsMax = 30_000;

/**
 * Ends the back-off of sites that were prepared anew: what was wrong with them may have been mended. An activator remembers it only as long as it is
 * there; where none runs, it is started only for what the disk says has failed.
 * @returns why the activator does not do it: then they are tried again when their back-off is over. Null: done
 */
export async function resetFailed(paths: Paths, names: readonly string[], findActivator = activatorState): Promise<WakesockError | null> {
  if (names.length === 0) return null;
  const { activator } = await findActivator();
  const asked = names.filter((name) => activator.state === 'running' || storedState(paths, name).state === 'failed');
  const client = controlClient(paths.controlPath);
  let problem: WakesockError | null = null;
  await inParallel(asked, parallelMax, async (name) => {
    // Who does not answer for one does not for the others.
    if (problem !== null) return;
    try {
      await client.resetFailed(name, { signal: AbortSignal.timeout(answerMsMax) });
    } catch (error) {
      if (!(error instanceof WakesockError)) throw error;
      // It does not know the site yet, or there is none that turns anybody away.
      if (error.code !== 'ERR_WAKESOCK_SITE_NOT_FOUND' && error.code !== 'ERR_WAKESOCK_NOT_RUNNING') problem ??= error;
    }
  });
  return problem;
}
