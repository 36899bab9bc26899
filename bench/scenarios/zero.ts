/** First byte of a sleeping site while nothing of ours runs: the activator's own start is part of it. */
import { adoptFromNothing } from '../subjects/adopt.ts';
import { floor } from '../subjects/floor.ts';
import { adoptThroughFrontFromNothing } from '../subjects/front-door.ts';
import { listenFdsFromNothing } from '../subjects/listen-fds.ts';
import type { Scenario } from '../types.ts';
import { compare, compareSteps } from './compare.ts';

export const zero: Scenario = {
  name: 'zero',
  what: 'first byte of a sleeping site, nothing of ours running',
  steps: compareSteps,
  async run(bench) {
    await bench.wakesock.install('exits');
    await compare('zero', [floor, adoptFromNothing, listenFdsFromNothing, adoptThroughFrontFromNothing], bench);
  },
};
