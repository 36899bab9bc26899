import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, lchownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { FoundVolume, SiteMount } from '../../../src/base/site.ts';
import { SiteTree } from '../../../src/runtime/site-tree.ts';
import { checkVolumes, settleVolumes, volumePaths } from '../../../src/runtime/volumes.ts';
import { siteMount } from '../../../src/site/mount-options.ts';
import { makeSite } from './fixtures.ts';

const owner = { uid: 4001, gid: 4002 };

class Ground {
  readonly base = mkdtempSync(join(tmpdir(), 'wakesock-volumes-'));
  readonly found: FoundVolume = { name: 'store', path: `${this.base}/store/_data`, createdAt: 'then', unused: true };

  constructor() {
    onTestFinished(() => rmSync(this.base, { recursive: true, force: true }));
    for (const path of ['root/srv/data/below', 'root/srv/bare', 'outside', 'store/_data']) mkdirSync(`${this.base}/${path}`, { recursive: true });
    writeFileSync(`${this.base}/root/srv/data/below/file`, 'image');
    writeFileSync(`${this.base}/outside/secret`, 'machine');
    symlinkSync(`${this.base}/outside`, `${this.base}/root/srv/out`);
    symlinkSync(`${this.base}/outside/secret`, `${this.base}/root/srv/data/link`);
    execFileSync('mkfifo', [`${this.base}/root/srv/data/fifo`]);
    chownSync(`${this.base}/root/srv/data`, 7, 8);
  }

  settle(mount: SiteMount, found: Partial<FoundVolume> = {}, root: SiteTree | null = new SiteTree([{ target: '/', source: `${this.base}/root` }])): string[] {
    const site = makeSite({ mounts: [mount] });
    const volumes = [{ ...this.found, ...found }];
    return settleVolumes(site, volumePaths(site, `${this.base}/site`, volumes), volumes, root, owner);
  }

  list(path: string): string[] {
    return readdirSync(`${this.base}/${path}`).toSorted();
  }

  ids(path: string): [number, number] {
    const { uid, gid } = lstatSync(`${this.base}/${path}`);
    return [uid, gid];
  }
}

const named = (target = '/srv/data', rest: Partial<SiteMount> = {}): SiteMount => siteMount('volume', target, { source: 'store', ...rest });

test('filled as it is in the image: owners, links as links, special files; nothing is left beside it', () => {
  const ground = new Ground();
  expect(ground.settle(named())).toEqual([]);
  expect(ground.list('store/_data')).toEqual(['below', 'fifo', 'link']);
  expect(readlinkSync(`${ground.base}/store/_data/link`)).toBe(`${ground.base}/outside/secret`);
  expect(lstatSync(`${ground.base}/store/_data/fifo`).isFIFO()).toBe(true);
  expect(ground.ids('store/_data')).toEqual([7, 8]);
  expect(ground.list('store')).toEqual(['_data']);
});

test.each<[string, SiteMount, Partial<FoundVolume>]>([
  ['nocopy', named('/srv/data', { copyUp: false }), {}],
  ['it was used before', named(), { unused: false }],
  ['nothing is there', named('/srv/none'), {}],
  ['nothing is in it', named('/srv/bare'), {}],
  ['the image leads out of its root', named('/srv/out'), {}],
])('not filled: %s', (_, mount, found) => {
  const ground = new Ground();
  ground.settle(mount, found);
  expect(ground.list('store/_data')).toEqual([]);
});

test('where the image has nothing, it is the user\'s; what is in it already stays', () => {
  const ground = new Ground();
  ground.settle(named('/srv/none'));
  expect(ground.ids('store/_data')).toEqual([4001, 4002]);
  writeFileSync(`${ground.base}/store/_data/file`, 'x');
  ground.settle(named());
  expect(ground.list('store/_data')).toEqual(['file']);
  expect(ground.ids('store/_data')).toEqual([4001, 4002]);
});

test('a root that is another\'s to change is not copied from', () => {
  const ground = new Ground();
  ground.settle(named(), {}, null);
  expect(ground.list('store/_data')).toEqual([]);
});

test('who died while he copied left nothing that counts; who died while he moved it in is finished for', () => {
  const ground = new Ground();
  mkdirSync(`${ground.base}/store/.filling-_data/below`, { recursive: true });
  ground.settle(named());
  expect(ground.list('store/_data')).toEqual(['below', 'fifo', 'link']);
  // Half of it is in its place.
  mkdirSync(`${ground.base}/store/.filled-_data`);
  renameSync(`${ground.base}/store/_data/below`, `${ground.base}/store/.filled-_data/below`);
  ground.settle(named(), { unused: false });
  expect(ground.list('store/_data')).toEqual(['below', 'fifo', 'link']);
  expect(ground.list('store')).toEqual(['_data']);
});

test('one of the site\'s own is there when it is whole, and filled once', () => {
  const ground = new Ground();
  const own = siteMount('volume', '/srv/data');
  mkdirSync(`${ground.base}/site/volumes/.new/half`, { recursive: true });
  ground.settle(own);
  const path = `site/volumes/${encodeURIComponent('/srv/data')}`;
  expect(ground.list('site/volumes')).toEqual([encodeURIComponent('/srv/data')]);
  expect(readFileSync(`${ground.base}/${path}/below/file`, 'utf8')).toBe('image');
  rmSync(`${ground.base}/${path}/below`, { recursive: true });
  ground.settle(own);
  expect(existsSync(`${ground.base}/${path}/below`)).toBe(false);
});

test('U: all of it; the machine\'s own directories are refused; a wake only looks', () => {
  const ground = new Ground();
  ground.settle(named('/srv/data', { chown: true }));
  for (const path of ['', '/below', '/below/file', '/link', '/fifo']) expect(ground.ids(`store/_data${path}`), path).toEqual([4001, 4002]);
  expect(ground.ids('outside/secret')).toEqual([0, 0]);
  const etc = makeSite({ mounts: [siteMount('bind', '/x', { source: '/etc', chown: true })] });
  expect(() => settleVolumes(etc, new Map(), [], null, owner)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_VOLUME', message: expect.stringContaining('/etc') }));
  const site = makeSite({ mounts: [named('/srv/data', { chown: true })] });
  const paths = new Map([['/srv/data', ground.found.path]]);
  checkVolumes(site, paths, owner);
  lchownSync(ground.found.path, 0, 0);
  expect(() => checkVolumes(site, paths, owner)).toThrow(/option U.*wakesock prepare blog/);
  rmSync(ground.found.path, { recursive: true });
  expect(() => checkVolumes(site, paths, owner)).toThrow(/gone.*wakesock prepare blog/);
});
