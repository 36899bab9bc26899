import { chownSync, chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { overlayOptionBytesMax } from '../../../src/base/limits.ts';
import { makeRootMount, withFreshRoot } from '../../../src/runtime/image-root.ts';
import { withPrivateMounts } from '../../../src/runtime/private-mounts.ts';
import { overlayOptions } from '../../../src/runtime/root-mount.ts';
import type { RootMount } from '../../../src/base/site.ts';
import { mountedDirectory } from '../image/fixtures.ts';

function places(): { site: string; layers: { base: string; lower: string[] } } {
  const directory = mountedDirectory();
  for (const path of ['layers/top', 'layers/bottom', 'site']) mkdirSync(`${directory}/${path}`, { recursive: true });
  writeFileSync(`${directory}/layers/bottom/file`, 'image');
  chmodSync(`${directory}/layers/top`, 0o1751);
  chownSync(`${directory}/layers/top`, 7, 8);
  return { site: `${directory}/site`, layers: { base: `${directory}/layers`, lower: ['top', 'bottom'] } };
}

const withRoot = <T>(root: RootMount, act: () => T): T => withPrivateMounts({ root, secrets: null }, act);

test('what the program writes is in the site\'s own directory, and there again with other layers below', () => {
  const { site, layers } = places();
  const mount = makeRootMount(site, `${site}/root`, layers, null);
  withRoot(mount, () => {
    expect(readFileSync(`${site}/root/file`, 'utf8')).toBe('image');
    writeFileSync(`${site}/root/file`, 'site');
    writeFileSync(`${site}/root/more`, 'site');
    rmSync(`${site}/root/file`);
  });
  expect(readdirSync(`${site}/root`)).toEqual([]);
  expect(readFileSync(`${layers.base}/bottom/file`, 'utf8')).toBe('image');
  mkdirSync(`${layers.base}/new`);
  writeFileSync(`${layers.base}/new/version`, '2');
  withRoot(makeRootMount(site, `${site}/root`, { base: layers.base, lower: ['new', 'bottom'] }, null), () => {
    expect(readdirSync(`${site}/root`).toSorted()).toEqual(['more', 'version']);
  });
});

test('the root directory itself has the mode and owner of the image\'s', () => {
  const { site, layers } = places();
  withRoot(makeRootMount(site, `${site}/root`, layers, null), () => {
    const { mode, uid, gid } = statSync(`${site}/root`);
    expect([mode & 0o7777, uid, gid]).toEqual([0o1751, 7, 8]);
  });
});

test('a trial shows the image without what the site wrote, beside a mount of the real one, and leaves nothing', () => {
  const { site, layers } = places();
  const mount = makeRootMount(site, `${site}/root`, layers, null);
  withRoot(mount, () => {
    writeFileSync(`${site}/root/file`, 'site');
    withFreshRoot(mount, () => {
      expect(readFileSync(`${site}/root/file`, 'utf8')).toBe('image');
      writeFileSync(`${site}/root/trial`, 'x');
    });
  });
  expect(readdirSync(site).toSorted()).toEqual(['root', 'upper', 'work']);
  expect(readdirSync(mount.upper)).toEqual(['file']);
});

test('what a trial left that was killed is removed', () => {
  const { site, layers } = places();
  const mount = makeRootMount(site, `${site}/root`, layers, null);
  mkdirSync(`${site}/upper.trial/work/work`, { recursive: true });
  withFreshRoot(mount, () => {});
  expect(existsSync(`${site}/upper.trial`)).toBe(false);
});

test('a root that cannot be mounted says so by name', () => {
  const { site, layers } = places();
  const mount = makeRootMount(site, `${site}/root`, layers, null);
  expect(() => withRoot({ ...mount, lower: ['gone'] }, () => {})).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_RUNTIME', message: expect.stringContaining('ENOENT') }));
  expect(() => withRoot({ ...mount, base: `${layers.base}/gone` }, () => {})).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_RUNTIME' }));
});

test('paths with commas, colons and backslashes; more layers than there is room for', () => {
  const { site, layers } = places();
  const odd = `${site}/a,b:c\\d`;
  mkdirSync(odd);
  withRoot(makeRootMount(odd, `${odd}/root`, layers, null), () => {
    writeFileSync(`${odd}/root/odd`, 'x');
  });
  expect(readdirSync(`${odd}/upper`)).toEqual(['odd']);
  const many = Array.from({ length: 127 }, (_, index) => `l/${String(index).padStart(26, 'A')}`);
  expect(overlayOptions({ ...makeRootMount(site, `${site}/root`, layers, null), lower: many }).length).toBeLessThan(overlayOptionBytesMax);
  expect(() => overlayOptions({ ...makeRootMount(site, `${site}/root`, layers, null), lower: [...many, ...many] })).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_LIMIT' }));
});
