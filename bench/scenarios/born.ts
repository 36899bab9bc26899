/** What it would cost if the container were born in its cgroup instead of moved there: for a decision, not for a table. */
import { bornSubjects } from '../subjects/born.ts';
import { floor } from '../subjects/floor.ts';
import { listenFds } from '../subjects/listen-fds.ts';
import type { Scenario } from '../types.ts';
import { compare, compareSteps } from './compare.ts';

export const born: Scenario = {
  name: 'born',
  what: 'ways into a cgroup, by the bench\'s own launcher',
  steps: compareSteps,
  async run(bench) {
    await bench.wakesock.install('resident');
    await compare('born', [floor, listenFds, ...bornSubjects], bench);
  },
};
