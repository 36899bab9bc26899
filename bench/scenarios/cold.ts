/** First byte of a sleeping site while the activator runs. */
import { adopt } from '../subjects/adopt.ts';
import { floor } from '../subjects/floor.ts';
import { listenFds } from '../subjects/listen-fds.ts';
import type { Scenario } from '../types.ts';
import { compare, compareSteps } from './compare.ts';

export const cold: Scenario = {
  name: 'cold',
  what: 'first byte of a sleeping site, activator resident',
  steps: compareSteps,
  async run(bench) {
    await bench.wakesock.install('resident');
    await compare('cold', [floor, adopt, listenFds], bench);
  },
};
