import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { preparedDir, systemPaths, type Paths } from '../../../src/base/paths.ts';
import { isPrepared, removePrepared } from '../../../src/cli/remove-prepared.ts';

let paths: Paths = systemPaths;
let directory = '';
beforeEach(() => {
  const stateDir = mkdtempSync(join(tmpdir(), 'wakesock-state-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true }));
  paths = { ...systemPaths, stateDir };
  directory = preparedDir(paths, 'blog');
  mkdirSync(`${directory}/root/var/lib`, { recursive: true });
  symlinkSync('usr/bin', `${directory}/root/bin`);
  for (const file of ['config.json', 'site.json', 'hosts']) writeFileSync(`${directory}/${file}`, '{}');
});

test('all of it goes when the program wrote nothing', () => {
  expect(isPrepared(paths, 'blog')).toBe(true);
  expect(removePrepared(paths, 'blog')).toBeNull();
  expect(existsSync(directory)).toBe(false);
  expect(removePrepared(paths, 'blog')).toBeNull();
});

test('what the program wrote stays, and the site is no longer prepared', () => {
  writeFileSync(`${directory}/root/var/lib/posts.db`, 'data');
  expect(removePrepared(paths, 'blog')).toBe(`${directory}/root`);
  expect(existsSync(`${directory}/root/var/lib/posts.db`)).toBe(true);
  expect(readdirSync(directory)).toEqual(['root']);
  expect(isPrepared(paths, 'blog')).toBe(false);
});

test('a file that is not ours keeps its directory', () => {
  writeFileSync(`${directory}/notes`, '');
  removePrepared(paths, 'blog');
  expect(readdirSync(directory)).toEqual(['notes']);
});

test('what a site with an image has written stays, and so does what it has deleted', () => {
  const upper = `${directory}/upper`;
  for (const path of ['upper/etc', 'upper/srv', 'work/work', 'upper.trial/work', 'volumes/%2Fdata']) mkdirSync(`${directory}/${path}`, { recursive: true });
  // crun made it to mount something there.
  writeFileSync(`${upper}/etc/hosts`, '');
  writeFileSync(`${upper}/srv/note`, 'x');
  expect(removePrepared(paths, 'blog')).toBe(upper);
  expect(readdirSync(directory)).toEqual(['upper']);
  rmSync(`${upper}/srv/note`);
  execFileSync('mknod', [`${upper}/srv/deleted`, 'c', '0', '0']);
  expect(removePrepared(paths, 'blog')).toBe(upper);
  rmSync(`${upper}/srv/deleted`);
  symlinkSync('x', `${upper}/srv/link`);
  mkdirSync(`${directory}/volumes`);
  writeFileSync(`${directory}/volumes/file`, 'x');
  expect(removePrepared(paths, 'blog')).toBe(directory);
  for (const path of [`${upper}/srv/link`, `${directory}/volumes/file`]) rmSync(path);
  expect(removePrepared(paths, 'blog')).toBeNull();
  expect(existsSync(directory)).toBe(false);
});
