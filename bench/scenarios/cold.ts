/** First byte of a sleeping site while the activator runs, beside everything that people would have instead. */
import { removeImages } from '../programs/image.ts';
import { adopt } from '../subjects/adopt.ts';
import { alwaysOn } from '../subjects/always-on.ts';
import { emperor } from '../subjects/emperor.ts';
import { floor } from '../subjects/floor.ts';
import { adoptThroughFront } from '../subjects/front-door.ts';
import { listenFds } from '../subjects/listen-fds.ts';
import { phpFpm } from '../subjects/php-fpm.ts';
import { proxydAsDocumented, proxydCrun, proxydNspawn, proxydPodman } from '../subjects/proxyd.ts';
import { socketUnitCrun } from '../subjects/socket-unit.ts';
import type { Scenario } from '../types.ts';
import { compare, compareSteps } from './compare.ts';

export const coldSubjects = [
  floor, adopt, listenFds, adoptThroughFront, alwaysOn, socketUnitCrun, proxydAsDocumented, proxydCrun, proxydPodman, proxydNspawn, emperor, phpFpm,
] as const;

export const cold: Scenario = {
  name: 'cold',
  what: 'first byte of a sleeping site, activator resident; of always on: of a program that runs',
  steps: compareSteps,
  async run(bench) {
    await bench.wakesock.install('resident');
    try {
      await compare('cold', coldSubjects, bench);
    } finally {
      removeImages();
    }
  },
};
