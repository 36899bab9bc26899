import { setImmediate as turn } from 'node:timers/promises';
import type { SiteStatus } from '../control/types.ts';
import type { Runner } from './runner.ts';

/** One that is awake takes up to a millisecond, most of it the kernel's look through all connections; one that sleeps, the reading of a file. */
const sitesPerTurn = 10;

/** Takes its time with many: whoever is being woken meanwhile is not kept waiting for it. */
export async function statusOfAll(runners: readonly Pick<Runner, 'status'>[]): Promise<SiteStatus[]> {
  const all: SiteStatus[] = [];
  for (const [index, runner] of runners.entries()) {
    if (index > 0 && index % sitesPerTurn === 0) await turn();
    all.push(runner.status());
  }
  return all;
}
