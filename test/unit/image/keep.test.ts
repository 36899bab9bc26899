import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Paths } from '../../../src/base/paths.ts';
import { releaseImages, storesOf, usedImages } from '../../../src/image/keep.ts';
import { temporaryDirectory } from '../sockets/kit.ts';

function ground(): { paths: Paths; write: (path: string, value: unknown) => void } {
  const directory = temporaryDirectory();
  const paths: Paths = { siteDirs: [], stateDir: `${directory}/state`, runtimeDir: `${directory}/run`, controlPath: '' };
  return {
    paths,
    write: (path, value) => {
      mkdirSync(`${directory}/${path}`.replace(/\/[^/]*$/, ''), { recursive: true });
      writeFileSync(`${directory}/${path}`, JSON.stringify(value));
    },
  };
}

test('an image is used by who is prepared with it, and by who was started with it', () => {
  const { paths, write } = ground();
  expect(usedImages(paths)).toEqual(new Set());
  write('state/sites/a/site.json', { image: { id: 'one' } });
  write('state/sites/b/site.json', { image: null });
  write('state/sites/old/site.json', {});
  mkdirSync(`${paths.stateDir}/sites/data-only`);
  write('run/crun/a/config.json', { annotations: { 'wakesock.image': 'earlier' } });
  write('run/crun/b/config.json', { annotations: {} });
  mkdirSync(`${paths.runtimeDir}/crun/half-made`);
  expect(usedImages(paths)).toEqual(new Set(['one', 'earlier']));
});

test('where the images of sites are; a store that is gone holds nobody up', async () => {
  const { paths, write } = ground();
  const store = { driver: 'overlay', root: '/not-there' } as const;
  for (const name of ['a', 'b']) write(`state/sites/${name}/site.json`, { version: 3, image: { id: 'one', store } });
  write('state/sites/c/site.json', { version: 2 });
  expect(storesOf(paths, ['a', 'b', 'c', 'none'])).toEqual([store]);
  await releaseImages(paths, store);
});
