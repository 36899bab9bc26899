import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SealedProgram } from '../../../src/runtime/sealed-program.ts';

let directory = '';
beforeEach(() => { directory = mkdtempSync(join(tmpdir(), 'wakesock-sealed-')); });
afterEach(() => rmSync(directory, { recursive: true }));

/** As a child sees it. */
const runs = (file: string): string => execFileSync(file.replace('/proc/self/', `/proc/${process.pid}/`), ['x'], { encoding: 'utf8' });

test('one copy, however often it is asked for; another when the program was replaced', () => {
  const path = join(directory, 'program');
  copyFileSync('/bin/echo', path);
  const program = new SealedProgram(path);
  const first = program.file;
  expect(first).toMatch(/^\/proc\/self\/fd\/\d+$/);
  expect(program.file).toBe(first);
  expect(runs(first)).toBe('x\n');
  // As a package manager does it.
  copyFileSync('/bin/basename', `${path}.new`);
  renameSync(`${path}.new`, path);
  expect(runs(program.file)).toBe('x\n');
  expect(execFileSync(program.file.replace('/proc/self/', `/proc/${process.pid}/`), ['/a/b'], { encoding: 'utf8' })).toBe('b\n');
});

test('a program that is not there is executed as it is, which fails by name', () => {
  const path = join(directory, 'program');
  expect(new SealedProgram(path).file).toBe(path);
});

test('a script, such as somebody\'s wrapper of it, is executed as it is', () => {
  const path = join(directory, 'program');
  writeFileSync(path, '#!/bin/sh\necho x\n', { mode: 0o755 });
  expect(new SealedProgram(path).file).toBe(path);
});

test('a program that cannot be copied is executed as it is', () => {
  expect(new SealedProgram(directory).file).toBe(directory);
});
