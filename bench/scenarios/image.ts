/** First byte of a sleeping site by what its root is, beside podman with the same image. */
import { inImage, onHost, removeImages } from '../programs/image.ts';
import { adopt } from '../subjects/adopt.ts';
import { floor, floorUnfiltered } from '../subjects/floor.ts';
import { podmanRun, podmanStart } from '../subjects/podman.ts';
import type { Program, Scenario, Subject } from '../types.ts';
import { compare, compareSteps } from './compare.ts';

/** wakesock, of a site that is the program in another way. */
const adoptAs = (name: string, as: (program: Program) => Program): Subject => ({ name, start: (program, bench) => adopt.start(as(program), bench) });

export const image: Scenario = {
  name: 'image',
  what: 'first byte of a sleeping site of an image, of the host\'s root, and of podman with that image',
  steps: compareSteps,
  async run(bench) {
    await bench.wakesock.install('resident');
    try {
      await compare('image', [floor, floorUnfiltered, adoptAs('adopt, host', onHost), adoptAs('adopt, image', inImage), adoptAs('adopt, image, UserNS=host', (program) => inImage(program, ['UserNS=host'])), podmanStart, podmanRun], bench);
    } finally {
      removeImages();
    }
  },
};
