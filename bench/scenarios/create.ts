/** A new site of an image: how long it takes, and what it adds to the disk. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { preparedDir, systemPaths } from '../../src/base/paths.ts';
import { median, quantile } from '../../src/bench/statistics.ts';
import { importImage, removeImages } from '../programs/image.ts';
import { tiny } from '../programs/tiny.ts';
import type { Scenario } from '../types.ts';

const image = 'localhost/wakesock-bench-create:1';
/** Large enough that a copy would be seen. */
const imageBytes = 64 * 1024 * 1024;
const createsMax = 20;

export const create: Scenario = {
  name: 'create',
  what: 'time and disk of a new site of an image',
  steps: ({ samples }) => Math.min(samples, createsMax),
  async run(bench) {
    const { wakesock, directory, options } = bench;
    await wakesock.install('resident');
    const root = `${directory}/create-root`;
    mkdirSync(root, { recursive: true });
    writeFileSync(`${root}/content`, randomBytes(imageBytes));
    // What it runs is never asked: it is there to be found.
    const { container } = tiny.prepare(bench);
    const rootfs = container[0]?.slice('Rootfs='.length) ?? '';
    execFileSync('cp', [`${rootfs}/tiny`, root]);
    const createMs: number[] = [], rmMs: number[] = [], bytes: number[] = [];
    try {
      importImage(image, root, ['CMD ["/tiny"]']);
      for (let count = 0; count < Math.min(options.samples, createsMax); count += 1) {
        const site = await wakesock.create(image, bench.nextPort());
        createMs.push(site.ms);
        bytes.push(diskBytes(preparedDir(systemPaths, site.name)));
        rmMs.push(await wakesock.rm(site.name));
        bench.step('create');
      }
    } finally {
      removeImages();
      rmSync(root, { recursive: true, force: true });
    }
    bench.report({
      scenario: 'create', subject: 'adopt',
      values: { imageBytes, creates: createMs.length, createP50Ms: median(createMs), createP99Ms: quantile(createMs, 0.99), rmP50Ms: median(rmMs), siteBytesMax: Math.max(...bytes) },
      notes: ['The commands as a user gives them, with the start of Node and of podman, which is asked for the image.'],
    });
  },
};

function diskBytes(directory: string): number {
  return Number(execFileSync('du', ['--summarize', '--block-size=1', directory]).toString().split('\t')[0]);
}
