import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { volumeDepthMax } from '../../../src/base/limits.ts';
import { chownTree } from '../../../src/runtime/chown-tree.ts';

const owner = { uid: 4001, gid: 4002 };

function ground(): { tree: string; outside: string } {
  const base = mkdtempSync(join(tmpdir(), 'wakesock-chown-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  for (const path of ['tree/a/b', 'outside/dir']) mkdirSync(join(base, path), { recursive: true });
  for (const path of ['tree/a/b/file', 'tree/pair', 'outside/file', 'outside/dir/file']) writeFileSync(join(base, path), 'x');
  return { tree: join(base, 'tree'), outside: join(base, 'outside') };
}

const ids = (path: string): [number, number] => [lstatSync(path).uid, lstatSync(path).gid];

test('all of it is given away; links themselves, not what they lead to; names that are not UTF-8', () => {
  const { tree, outside } = ground();
  symlinkSync(`${outside}/file`, `${tree}/to-file`);
  symlinkSync(`${outside}/dir`, `${tree}/a/to-dir`);
  symlinkSync('nowhere', `${tree}/dangling`);
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), 'x');
  expect(chownTree(tree, owner)).toBe(0);
  for (const path of ['', '/a', '/a/b', '/a/b/file', '/pair', '/to-file', '/a/to-dir', '/dangling']) expect(ids(tree + path), path).toEqual([4001, 4002]);
  expect(lstatSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])])).uid).toBe(4001);
  for (const path of ['', '/file', '/dir', '/dir/file']) expect(ids(outside + path), path).toEqual([0, 0]);
});

test('a file that has a name outside stays; one whose names are all inside does not', () => {
  const { tree, outside } = ground();
  linkSync(`${outside}/file`, `${tree}/hard`);
  linkSync(`${outside}/file`, `${tree}/a/hard-too`);
  linkSync(`${tree}/pair`, `${tree}/a/pair`);
  expect(chownTree(tree, owner)).toBe(2);
  expect(ids(`${outside}/file`)).toEqual([0, 0]);
  expect(ids(`${tree}/a/pair`)).toEqual([4001, 4002]);
});

test('what is given away already is not touched: its set-user-id bit stays, and so does its time', () => {
  const { tree } = ground();
  chownTree(tree, owner);
  chmodSync(`${tree}/pair`, 0o4755);
  const { ctimeMs } = lstatSync(`${tree}/pair`);
  chownTree(tree, owner);
  expect([lstatSync(`${tree}/pair`).mode & 0o7777, lstatSync(`${tree}/pair`).ctimeMs]).toEqual([0o4755, ctimeMs]);
});

test('depth has a limit', () => {
  const { tree } = ground();
  mkdirSync(tree + '/d'.repeat(volumeDepthMax + 1), { recursive: true });
  expect(() => chownTree(tree, owner)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_LIMIT' }));
});

test('what is mounted below is somebody else\'s', () => {
  const { tree, outside } = ground();
  mkdirSync(`${tree}/with space`);
  writeFileSync(`${tree}/a file`, '');
  for (const [from, to] of [[`${outside}/dir`, `${tree}/with space`], [`${outside}/file`, `${tree}/a file`]] as const) {
    execFileSync('mount', ['--bind', from, to]);
    onTestFinished(() => { execFileSync('umount', [to]); });
  }
  chownTree(tree, owner);
  for (const path of ['/file', '/dir', '/dir/file']) expect(ids(outside + path), path).toEqual([0, 0]);
});
