import { rmSync, utimesSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SiteCache } from '../../../src/site/index.ts';
import { SiteFiles } from './site-files.ts';

let files: SiteFiles;
beforeEach(() => { files = new SiteFiles(); });
afterEach(() => files.remove());

const write = (name: string, port = 8081): string => files.write(`etc/${name}.container`, `[Container]\nRootfs=/r\nExec=/a\n[X-Wakesock]\nListenStream=${port}\n`);

test('the same value for as long as its files are as they were', () => {
  const cache = new SiteCache(files.paths);
  const file = write('blog');
  const first = cache.load('blog');
  expect(cache.load('blog')).toBe(first);
  utimesSync(file, 1, 1);
  expect(cache.load('blog')).not.toBe(first);
  const second = cache.load('blog');
  files.write('usr/blog.container.d/x.conf', '[X-Wakesock]\nIdleSec=1\n');
  expect(cache.load('blog').site?.idleMs).toBe(1000);
  expect(second.site?.idleMs).not.toBe(1000);
});

test('a site that is gone is gone', () => {
  const cache = new SiteCache(files.paths);
  const file = write('blog');
  cache.load('blog');
  rmSync(file);
  expect(() => cache.load('blog')).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SITE_NOT_FOUND' }));
  expect(cache.held.sites).toBe(0);
});

test('bounded in number and in bytes', () => {
  const few = new SiteCache(files.paths, { sitesMax: 2 });
  for (const name of ['a', 'b', 'c']) {
    write(name);
    few.load(name);
  }
  expect(few.held.sites).toBe(2);
  const small = new SiteCache(files.paths, { bytesMax: 10_000 });
  for (const name of ['a', 'b', 'c']) small.load(name);
  expect(small.held).toMatchObject({ sites: 2 });
  expect(small.held.bytes).toBeLessThanOrEqual(10_000);
});
