import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ImageStore } from '../../../src/base/site.ts';
import { imageListPath, readImage, readImageNames } from '../../../src/image/store.ts';
import { temporaryDirectory } from '../sockets/kit.ts';
import { writeStore } from './fixtures.ts';

const code = (text: string) => expect.objectContaining({ code: 'ERR_WAKESOCK_IMAGE', message: expect.stringContaining(text) });
const layers = [{ 'bin/a': '1' }, { 'bin/b': '2' }, { 'bin/c': '3' }];

function stored(driver: ImageStore['driver']): { store: ImageStore; id: string } {
  const store = { driver, root: temporaryDirectory() };
  const [id = ''] = writeStore(store, [{ names: ['localhost/blog:1', 'localhost/blog:latest'], layers }, { names: ['localhost/other:1'], layers: layers.slice(0, 1), config: { Cmd: ['x'] } }]);
  return { store, id };
}

describe.each(['overlay', 'vfs'] as const)('%s', (driver) => {
  test('an image by its name, and by its number', () => {
    const { store, id } = stored(driver);
    const byName = readImage({ store, reference: 'localhost/blog:1', id: 'whatever' });
    expect(byName).toMatchObject({ id, names: ['localhost/blog:1', 'localhost/blog:latest'] });
    expect(JSON.parse(byName?.config ?? '')).toMatchObject({ os: 'linux' });
    expect(readImage({ store, reference: null, id })).toEqual(byName);
    expect([...readImageNames(store)].length).toBe(3);
  });

  test('a name that is nobody\'s, a number that is nobody\'s', () => {
    const { store } = stored(driver);
    expect(readImage({ store, reference: 'localhost/blog:2', id: '' })).toBeNull();
    expect(readImage({ store, reference: null, id: 'f'.repeat(64) })).toBeNull();
  });

  test('an image without layers', () => {
    const store = { driver, root: temporaryDirectory() };
    const [id = ''] = writeStore(store, [{ layers: [] }]);
    expect(() => readImage({ store, reference: null, id })).toThrow(code('at least one layer'));
  });

  test('a layer that is gone', () => {
    const { store, id } = stored(driver);
    rmSync(`${store.root}/${driver}`, { recursive: true });
    expect(() => readImage({ store, reference: null, id })).toThrow(code(''));
  });

  test('no store, and one that cannot be read', () => {
    const { store, id } = stored(driver);
    writeFileSync(imageListPath(store), '{');
    expect(() => readImage({ store, reference: null, id })).toThrow(code('expected podman\'s list in JSON'));
    rmSync(store.root, { recursive: true });
    expect(() => readImage({ store, reference: null, id })).toThrow(code('ENOENT'));
  });
});

test('overlay: every layer by its short link, the topmost first; vfs: the topmost holds all', () => {
  const overlay = stored('overlay');
  const found = readImage({ store: overlay.store, reference: null, id: overlay.id });
  expect(found?.base).toBe(`${overlay.store.root}/overlay`);
  expect(found?.lower).toEqual(layers.map(() => expect.stringMatching(/^l\/[0-9A-F]{26}$/)));
  const vfs = stored('vfs');
  expect(readImage({ store: vfs.store, reference: null, id: vfs.id })?.lower).toHaveLength(1);
});

test('layers that lead in a circle', () => {
  const { store, id } = stored('overlay');
  const path = `${store.root}/overlay-layers/layers.json`;
  const found = readImage({ store, reference: null, id });
  expect(found?.lower).toHaveLength(3);
  const list = JSON.parse(readFileSync(path, 'utf8')) as { id: string; parent?: string }[];
  writeFileSync(path, JSON.stringify(list.map(({ id: layer, parent }) => ({ id: layer, parent: parent ?? list[2]?.id }))));
  expect(() => readImage({ store, reference: null, id })).toThrow(code('does not lead to a first one'));
});
