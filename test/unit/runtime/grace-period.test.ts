import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { GracePeriod } from '../../../src/runtime/grace-period.ts';

/** Files in the places of the kernel's, which take each write for itself: these keep what was written. */
function files({ expedited = '0\n' } = {}): { procs: string; expedited: string } {
  const directory = mkdtempSync(join(tmpdir(), 'grace-period-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(`${directory}/cgroup.procs`, '');
  writeFileSync(`${directory}/rcu_expedited`, expedited);
  return { procs: `${directory}/cgroup.procs`, expedited: `${directory}/rcu_expedited` };
}

const text = (path: string): string => readFileSync(path, 'utf8');

test('puts us where we are, once at a time', async () => {
  const { procs, expedited } = files();
  const period = new GracePeriod(procs, expedited);
  period.begin();
  period.begin();
  await vi.waitFor(() => expect(text(procs)).toBe('0'));
  // Nobody says when the first one is over.
  await vi.waitFor(() => {
    period.begin();
    expect(text(procs)).toMatch(/^00+$/);
  });
});

test('the wait is expedited, and nothing after it', async () => {
  const { procs, expedited } = files();
  const period = new GracePeriod(procs, expedited);
  expect(text(expedited)).toMatch(/^0/);
  period.begin();
  // By a number that no administrator writes.
  expect(text(expedited)).toMatch(/^2002873189/);
  await vi.waitFor(() => expect(text(expedited)).toMatch(/^0/));
});

test('what an activator left that was killed meanwhile is undone by the next', async () => {
  const { procs, expedited } = files({ expedited: '2002873189\n' });
  new GracePeriod(procs, expedited).begin();
  await vi.waitFor(() => expect(text(expedited)).toMatch(/^0/));
});

test('what the administrator has decided stays', async () => {
  const { procs, expedited } = files({ expedited: '1\n' });
  const period = new GracePeriod(procs, expedited);
  period.begin();
  await vi.waitFor(() => expect(text(procs)).toBe('0'));
  expect(text(expedited)).toBe('1\n');
});

test('what the administrator decides later stays, too', async () => {
  const { procs, expedited } = files();
  const period = new GracePeriod(procs, expedited);
  period.begin();
  // While it waits.
  writeFileSync(expedited, '1\n');
  await vi.waitFor(() => expect(text(procs)).toBe('0'));
  await vi.waitFor(() => {
    period.begin();
    expect(text(procs)).toMatch(/^00+$/);
  });
  expect(text(expedited)).toBe('1\n');
});

test('does without where we may not write', async () => {
  const { procs } = files();
  expect(() => new GracePeriod('/nonexistent/cgroup.procs', '/nonexistent/rcu_expedited').begin()).not.toThrow();
  new GracePeriod(procs, '/nonexistent/rcu_expedited').begin();
  await vi.waitFor(() => expect(text(procs)).toBe('0'));
  expect(existsSync('/nonexistent')).toBe(false);
});
