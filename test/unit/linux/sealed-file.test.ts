import { execFileSync } from 'node:child_process';
import { closeSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sealedCopy } from '../../../src/linux/sealed-file.ts';

test('a copy that runs, and that nobody can change, whoever opens it', () => {
  const fd = sealedCopy('/bin/echo') as number;
  const path = `/proc/${process.pid}/fd/${fd}`;
  try {
    expect(readFileSync(path)).toEqual(readFileSync('/bin/echo'));
    expect(execFileSync(path, ['hello'], { encoding: 'utf8' })).toBe('hello\n');
    expect(() => writeSync(fd, 'x', 0)).toThrow('EPERM');
    expect(() => writeFileSync(path, 'x')).toThrow(/EPERM|ETXTBSY/);
  } finally {
    closeSync(fd);
  }
});

test('a file that is not there: Node says so, and nothing is left', () => {
  expect(() => sealedCopy('/nowhere/at/all')).toThrow('ENOENT');
});
