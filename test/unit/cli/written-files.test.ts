import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { isOurs, removeOurs, wouldWrite, writeOurs } from '../../../src/cli/written-files.ts';

const text = '# Written by `wakesock enable` from …\n';
let directory = '';
let path = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wakesock-files-'));
  path = join(directory, 'sub/a.socket');
  onTestFinished(() => rmSync(directory, { recursive: true }));
});

test('written once, unchanged the next time, written again when it differs', () => {
  expect(wouldWrite(path, text)).toBe('written');
  expect(writeOurs(path, text)).toBe('written');
  expect(writeOurs(path, text)).toBe('unchanged');
  expect(writeOurs(path, `${text}x`)).toBe('written');
  expect(readFileSync(path, 'utf8')).toBe(`${text}x`);
  expect(readdirSync(join(directory, 'sub'))).toEqual(['a.socket']);
});

test('what somebody else wrote is neither changed nor removed', () => {
  path = join(directory, 'a.socket');
  writeFileSync(path, '[Socket]\n');
  expect(() => writeOurs(path, text)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SYSTEMD', message: expect.stringContaining(path) }));
  expect(removeOurs(path)).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('[Socket]\n');
});

test('a masked unit stays masked', () => {
  path = join(directory, 'a.socket');
  symlinkSync('/dev/null', path);
  expect(() => writeOurs(path, text)).toThrow(/symbolic link/);
  expect(removeOurs(path)).toBe(false);
});

test('ours is removed; nothing is nobody\'s', () => {
  writeOurs(path, text);
  expect(isOurs(path)).toBe(true);
  expect(removeOurs(path)).toBe(true);
  expect(removeOurs(path)).toBe(false);
  expect(isOurs(path)).toBe(false);
});
