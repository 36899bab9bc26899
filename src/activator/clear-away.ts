/** Steps that are each done whatever became of the ones before: a site must not stay deaf, nor its name be taken, for one that failed. */
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

export async function clearAway(site: string, log: Log, steps: readonly (() => void | Promise<void>)[]): Promise<void> {
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      log.error('Clearing away a container failed', { site, ...describeError(error) });
    }
  }
}
