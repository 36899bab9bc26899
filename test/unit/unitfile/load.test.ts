import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dropInNames, loadUnit, mergeUnits, splitUnitName, type UnitName } from '../../../src/unitfile/index.ts';

let base: string;
let dirs: string[];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'wakesock-unitfile-'));
  dirs = ['etc', 'run', 'usr'].map((name) => `${base}/${name}`);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function write(path: string, text: string | Buffer): void {
  mkdirSync(dirname(`${base}/${path}`), { recursive: true });
  writeFileSync(`${base}/${path}`, text);
}
const files = (name: string): string[] => loadUnit(name, dirs).files.map(({ file }) => file.slice(base.length + 1));

test('the earlier directory counts', () => {
  write('usr/a.container', '[A]\nB=usr');
  write('run/a.container', '[A]\nB=run');
  expect(files('a.container')).toEqual(['run/a.container']);
  write('etc/a.container', '[A]\nB=etc');
  expect(files('a.container')).toEqual(['etc/a.container']);
});

test('drop-ins: sorted by name over all directories, the same name once, masked ones not', () => {
  write('usr/a.container', '[A]\nB=1');
  write('usr/a.container.d/20-x.conf', '[A]\nB=usr');
  write('etc/a.container.d/20-x.conf', '[A]\nB=etc');
  write('run/a.container.d/10-y.conf', '[A]\nB=run');
  write('usr/a.container.d/30-z.conf', '[A]\nB=z');
  write('etc/a.container.d/30-z.conf', '');
  write('usr/a.container.d/40-w.conf', '[A]\nB=w');
  symlinkSync('/dev/null', `${base}/etc/a.container.d/40-w.conf`);
  write('etc/a.container.d/readme.txt', 'no');
  expect(files('a.container')).toEqual(['usr/a.container', 'run/a.container.d/10-y.conf', 'etc/a.container.d/20-x.conf']);
  expect(mergeUnits(loadUnit('a.container', dirs).files).last('A', 'B')?.value).toBe('etc');
});

test('drop-ins of prefixes and of the type', () => {
  write('etc/a-b-c.container', '[A]\nB=1');
  write('usr/a-.container.d/1.conf', '[A]\n');
  write('usr/a-b-.container.d/2.conf', '[A]\n');
  write('usr/container.d/3.conf', '[A]\n');
  write('etc/container.d/1.conf', '[A]\nB=type');
  expect(files('a-b-c.container')).toEqual(['etc/a-b-c.container', 'usr/a-.container.d/1.conf', 'usr/a-b-.container.d/2.conf', 'usr/container.d/3.conf']);
});

test('names of drop-in directories', () => {
  expect(dropInNames(splitUnitName('a-b@x.container') as UnitName).own).toEqual(['a-b@x.container', 'a-b@.container', 'a-.container', 'a-@x.container', 'a-@.container']);
});

test('an instance has its own file or its template\'s', () => {
  write('usr/a@.container', '[A]\nB=template');
  write('etc/a@.container.d/x.conf', '[A]\nC=1');
  write('run/a@one.container.d/y.conf', '[A]\nD=1');
  expect(files('a@one.container')).toEqual(['usr/a@.container', 'etc/a@.container.d/x.conf', 'run/a@one.container.d/y.conf']);
  write('usr/a@one.container', '[A]\nB=own');
  expect(files('a@one.container')[0]).toBe('usr/a@one.container');
  expect(files('a@two.container')[0]).toBe('usr/a@.container');
});

test('masks', () => {
  write('usr/a.container', '[A]\nB=1');
  mkdirSync(`${base}/etc`);
  symlinkSync('/dev/null', `${base}/etc/a.container`);
  expect(loadUnit('a.container', dirs)).toMatchObject({ masked: true, files: [] });
  write('run/b.container', '');
  expect(loadUnit('b.container', dirs)).toMatchObject({ masked: true, files: [] });
});

test('what was looked at is among the sources, missing or not', () => {
  write('run/a.container', '[A]\nB=1');
  write('run/a.container.d/x.conf', '[A]\n');
  const sources = new Map(loadUnit('a.container', dirs).sources.map(({ path, size, mtimeNs }) => [path.slice(base.length + 1), mtimeNs === null ? null : size]));
  expect(sources.get('etc/a.container')).toBeNull();
  expect(sources.get('run/a.container')).toBe(7);
  expect(sources.get('etc/a.container.d')).toBeNull();
  expect(sources.get('run/a.container.d')).toBeTypeOf('number');
  expect(sources.get('run/a.container.d/x.conf')).toBe(4);
  expect(sources.has('usr/a.container')).toBe(false);
});

test('what cannot be read has a diagnostic', () => {
  write('etc/a.container', Buffer.from([0x5b, 0x41, 0x5d, 0x0a, 0x42, 0x3d, 0xff]));
  expect(loadUnit('a.container', dirs).files[0]?.diagnostics).toMatchObject([{ severity: 'error', code: 'not-utf-8', line: 2, column: 3 }]);
  write('etc/b.container', 'x'.repeat(1024 * 1024 + 1));
  expect(loadUnit('b.container', dirs).files[0]?.diagnostics).toMatchObject([{ code: 'too-large' }]);
  mkdirSync(`${base}/etc/c.container`);
  expect(loadUnit('c.container', dirs).files[0]?.diagnostics).toMatchObject([{ code: 'unreadable' }]);
});
