import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { SiteDevice } from '../../../src/base/site.ts';
import { sourcesUnchanged } from '../../../src/base/sources.ts';
import { findDevices } from '../../../src/runtime/devices.ts';

function ground(): string {
  const base = mkdtempSync(join(tmpdir(), 'wakesock-devices-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  mkdirSync(`${base}/all/deep`, { recursive: true });
  writeFileSync(`${base}/all/file`, '');
  for (const [path, type, major, minor] of [['one', 'c', '10', '229'], ['all/block', 'b', '259', '70000'], ['all/deep/null', 'c', '1', '3']] as const) execFileSync('mknod', ['-m', '640', `${base}/${path}`, type, major, minor]);
  symlinkSync(`${base}/one`, `${base}/by-id`);
  symlinkSync(`${base}/one`, `${base}/all/link`);
  return base;
}

const device = (source: string, target = '/dev/x', rest: Partial<SiteDevice> = {}): SiteDevice => ({ source, target, access: 'rwm', optional: false, ...rest });

test('one, by a link to it, with its number and mode; the scope may open it', () => {
  const base = ground();
  expect(findDevices([device(`${base}/by-id`, '/dev/x', { access: 'r' })])).toMatchObject({
    nodes: [{ path: '/dev/x', type: 'c', major: 10, minor: 229, fileMode: 0o640, uid: 0, gid: 0 }],
    allowed: [{ name: 'DeviceAllow', signature: 'a(ss)', value: [['/dev/char/10:229', 'rm']] }],
  });
});

test('all of a directory, links left out; large numbers', () => {
  const { nodes, allowed } = findDevices([device(`${ground()}/all`, '/dev/some')]);
  expect(nodes.map(({ path, type, major, minor }) => [path, type, major, minor]).toSorted()).toEqual([['/dev/some/block', 'b', 259, 70_000], ['/dev/some/deep/null', 'c', 1, 3]]);
  expect(allowed[0]?.value).toEqual(expect.arrayContaining([['/dev/block/259:70000', 'rwm']]));
});

test('what is not there, or is no device; one that may be missing is seen coming', () => {
  const base = ground();
  for (const path of ['none', 'all/file']) expect(() => findDevices([device(`${base}/${path}`)]), path).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_DEVICE' }));
  rmSync(`${base}/all`, { recursive: true });
  mkdirSync(`${base}/all`);
  expect(() => findDevices([device(`${base}/all`)])).toThrow(/found none/);
  const { nodes, allowed, sources } = findDevices([device(`${base}/none`, '/dev/x', { optional: true })]);
  expect([nodes, allowed, sourcesUnchanged(sources)]).toEqual([[], [], true]);
  execFileSync('mknod', [`${base}/none`, 'c', '1', '3']);
  expect(sourcesUnchanged(sources)).toBe(false);
});
