import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Ending } from '../../../src/activator/ending.ts';
import { deferred } from '../control/fake.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const site = { stopTimeoutMs: 10_000, stopSignal: 'TERM' };

function container(process: ChildProcess | null = null) {
  const { promise: exited, resolve: exit } = deferred<void>();
  return { kill: vi.fn(), process: process?.pid === undefined ? null : { pid: process.pid, pidfd: -1 }, exited, exit: () => exit() };
}

async function running(script: string): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', `${script} echo; exec 1>&-; while :; do read line; done`], { stdio: ['pipe', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.stdout) await once(child.stdout, 'data');
  return child;
}

test('a program has TimeoutStopSec= from when it was told', () => {
  const ending = new Ending();
  const { kill, ...program } = container();
  ending.begins();
  expect([ending.begun, ending.toldMs]).toEqual([true, null]);
  ending.told();
  expect(ending.toldMs).toBe(Date.now());
  ending.limit({ ...program, kill }, site);
  vi.advanceTimersByTime(9_999);
  expect(kill).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(kill).toHaveBeenCalledOnce();
});

test('what an earlier activator has told it counts', () => {
  const ending = new Ending();
  const program = container();
  ending.begins(Date.now() - 8_000);
  ending.told();
  expect(ending.toldMs).toBe(Date.now() - 8_000);
  ending.limit(program, site);
  vi.advanceTimersByTime(1_999);
  expect(program.kill).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(program.kill).toHaveBeenCalledOnce();
});

test('one that is gone is not killed, and the next begins anew', () => {
  const ending = new Ending();
  const program = container();
  ending.told();
  ending.limit(program, site);
  ending.over();
  vi.advanceTimersByTime(100_000);
  expect(program.kill).not.toHaveBeenCalled();
  expect([ending.begun, ending.toldMs]).toEqual([false, null]);
});

test.each([['catches the signal', 'trap : TERM;', 0], ['does not catch it any more', '', 1]])('a first process that %s', async (_, script, kills) => {
  const ending = new Ending();
  const program = container(await running(script));
  ending.told();
  ending.limit(program, site);
  vi.advanceTimersByTime(1_000);
  expect(program.kill).toHaveBeenCalledTimes(kills);
});

test('a first process that has ended is not looked at; what it has left has its time', async () => {
  const ending = new Ending();
  const program = container(await running(''));
  ending.told();
  ending.limit(program, site);
  program.exit();
  await program.exited;
  vi.advanceTimersByTime(9_999);
  expect(program.kill).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(program.kill).toHaveBeenCalledOnce();
});
