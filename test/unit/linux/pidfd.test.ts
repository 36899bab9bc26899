import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { EPOLLIN } from '../../../src/linux/epoll.ts';
import { makePipe, readableNow, readAvailable } from '../../../src/linux/fd.ts';
import { closeFd } from '../../../src/linux/libc.ts';
import { pidfdGetFd, pidfdOpen, pidfdSignal } from '../../../src/linux/pidfd.ts';
import { closedAfterTest, line, python, testPoller } from '../sockets/kit.ts';

const waiting = 'import sys; print("ready", flush=True); sys.stdin.read()';

test('a process is signalled, and its end is told', async () => {
  const child = python(waiting);
  await line(child);
  const pidfd = closedAfterTest(pidfdOpen(child.pid ?? 0) ?? -1);
  expect(readableNow([pidfd])).toEqual([]);
  const ended = new Promise<void>((resolve) => {
    const watch = testPoller().watch(pidfd, EPOLLIN, () => {
      watch.end();
      resolve();
    });
  });
  const exited = once(child, 'exit');
  expect(pidfdSignal(pidfd, constants.signals.SIGKILL)).toBe(true);
  await ended;
  expect(await exited).toEqual([null, 'SIGKILL']);
  expect(pidfdSignal(pidfd, constants.signals.SIGKILL)).toBe(false);
});

test('there is no such process', async () => {
  const child = python('pass');
  child.stdout.resume();
  await once(child, 'exit');
  expect(pidfdOpen(child.pid ?? 0)).toBeNull();
  expect(pidfdOpen(0)).toBeNull();
});

test('a copy of its descriptor is the same file; of one it has not, none', async () => {
  const { readEnd, writeEnd } = makePipe();
  const child = python(waiting, [closedAfterTest(writeEnd)]);
  await line(child);
  const pidfd = closedAfterTest(pidfdOpen(child.pid ?? 0) ?? -1);
  const copy = pidfdGetFd(pidfd, 3) ?? -1;
  writeSync(copy, 'copied');
  closeFd(copy);
  expect(readAvailable(closedAfterTest(readEnd), Buffer.alloc(16))?.toString()).toBe('copied');
  expect(pidfdGetFd(pidfd, 999)).toBeNull();
});
