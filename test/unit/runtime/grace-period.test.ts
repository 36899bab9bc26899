import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { GracePeriod } from '../../../src/runtime/grace-period.ts';

function procsFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'grace-period-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(`${directory}/cgroup.procs`, '');
  return `${directory}/cgroup.procs`;
}

test('puts us where we are, once at a time', async () => {
  const path = procsFile();
  const period = new GracePeriod(path);
  period.begin();
  period.begin();
  await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toBe('0'));
  // The file is a log of what was written: a cgroup takes each write for itself. Nobody says when the first one is over.
  await vi.waitFor(() => {
    period.begin();
    expect(readFileSync(path, 'utf8')).toMatch(/^00+$/);
  });
});

test('does without where we may not write', () => {
  expect(() => new GracePeriod('/nonexistent/cgroup.procs').begin()).not.toThrow();
});
