import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Cgroup, sliceDirectory } from '../../../src/runtime/cgroup.ts';
import type { Poller } from '../../../src/sockets/poller.ts';
import { temporaryDirectory, testPoller } from '../sockets/kit.ts';

describe('wakesock.slice', () => {
  test.each([
    ['0::/wakesock.slice/wakesock.service\n', '/sys/fs/cgroup/wakesock.slice'],
    ['0::/box/init/wakesock.slice/wakesock.service\n', '/sys/fs/cgroup/box/init/wakesock.slice'],
    ['12:cpu:/x\n0::/wakesock.slice/wakesock.service\n', '/sys/fs/cgroup/wakesock.slice'],
    ['0::/system.slice/wakesock.service\n', '/sys/fs/cgroup/wakesock.slice'],
    ['0::/\n', '/sys/fs/cgroup/wakesock.slice'],
    ['', '/sys/fs/cgroup/wakesock.slice'],
  ])('%j', (text, directory) => {
    expect(sliceDirectory(text)).toBe(directory);
  });
});

describe('a cgroup that is not there', () => {
  test('does nothing, and is waited for no longer', async () => {
    const cgroup = new Cgroup(`${temporaryDirectory()}/gone`, testPoller());
    expect(cgroup.exists).toBe(false);
    expect(await cgroup.freeze()).toBe(false);
    cgroup.thaw();
    cgroup.kill();
    await cgroup.untilEmpty();
    expect(cgroup.memoryBytes()).toBeNull();
    expect(cgroup.cpuUsec()).toBeNull();
  });
});

/** Files as the kernel writes them: what the real ones do is seen in the test box. */
test('figures and switches', () => {
  const directory = `${temporaryDirectory()}/scope`;
  mkdirSync(directory);
  const cgroup = new Cgroup(directory, testPoller());
  expect(cgroup.memoryBytes()).toBeNull();
  writeFileSync(`${directory}/memory.current`, '4096\n');
  writeFileSync(`${directory}/cpu.stat`, 'usage_usec 1234\nuser_usec 1000\n');
  expect([cgroup.exists, cgroup.memoryBytes(), cgroup.cpuUsec()]).toEqual([true, 4096, 1234]);
  cgroup.thaw();
  cgroup.kill();
  expect(readFileSync(`${directory}/cgroup.freeze`, 'utf8')).toBe('0');
  expect(readFileSync(`${directory}/cgroup.kill`, 'utf8')).toBe('1');
});

/** As the kernel's where systemd removes a cgroup within 10 ms of a change: nothing is ever reported. */
const deaf = { watch: () => ({ arm: () => {}, end: () => {} }) } as unknown as Poller;

test('the last process is gone, and the kernel has told nobody', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => { vi.useRealTimers(); });
  const directory = temporaryDirectory();
  writeFileSync(`${directory}/cgroup.events`, 'populated 1\nfrozen 0\n');
  const empty = new Cgroup(directory, deaf).untilEmpty();
  writeFileSync(`${directory}/cgroup.events`, 'populated 0\nfrozen 0\n');
  await vi.advanceTimersByTimeAsync(1_000);
  await empty;
  expect(vi.getTimerCount()).toBe(0);
});
