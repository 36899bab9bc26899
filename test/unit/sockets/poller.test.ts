import { readdirSync, readlinkSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EPOLLHUP, EPOLLIN, EPOLLONESHOT } from '../../../src/linux/epoll.ts';
import { makePipe, readAvailable } from '../../../src/linux/fd.ts';
import { O_CLOEXEC } from '../../../src/linux/constants.ts';
import { call, closeFd } from '../../../src/linux/libc.ts';
import { Poller, type Watch } from '../../../src/sockets/poller.ts';
import { closedAfterTest, deferred, testPoller } from './kit.ts';

const room = Buffer.alloc(64);

function pipe(): { readEnd: number; writeEnd: number } {
  const made = makePipe();
  closedAfterTest(made.readEnd);
  closedAfterTest(made.writeEnd);
  return made;
}

/** Waits for the next event of `fd`. */
function event(poller: Poller, fd: number, events: number): Promise<{ events: number; watch: Watch }> {
  return new Promise((resolve) => {
    const watch = poller.watch(fd, events, (found) => {
      watch.arm(0);
      resolve({ events: found, watch });
    });
  });
}

test('an event is told while it lasts', async () => {
  const { readEnd, writeEnd } = pipe();
  writeSync(writeEnd, 'ab');
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    const watch = testPoller().watch(readEnd, EPOLLIN, () => {
      seen.push(readAvailable(readEnd, Buffer.alloc(1))?.toString() ?? '');
      if (seen.length < 2) return;
      watch.end();
      resolve();
    });
  });
  expect(seen).toEqual(['a', 'b']);
});

test('once only, until armed again', async () => {
  const poller = testPoller();
  const [once, other] = [pipe(), pipe()];
  let told = 0;
  let next = deferred();
  const watch = poller.watch(once.readEnd, EPOLLIN | EPOLLONESHOT, () => {
    told += 1;
    next.resolve();
  });
  writeSync(once.writeEnd, 'x');
  await next.promise;
  // Two more rounds of the set, in which it stays silent.
  for (const _ of [1, 2]) {
    writeSync(other.writeEnd, 'x');
    (await event(poller, other.readEnd, EPOLLIN)).watch.end();
    readAvailable(other.readEnd, room);
  }
  expect(told).toBe(1);
  next = deferred();
  watch.arm(EPOLLIN | EPOLLONESHOT);
  await next.promise;
  expect(told).toBe(2);
});

test('armed with nothing, only a hang-up is told', async () => {
  const { readEnd, writeEnd } = pipe();
  const told = event(testPoller(), readEnd, 0);
  writeSync(writeEnd, 'x');
  closeFd(writeEnd);
  expect((await told).events).toBe(EPOLLHUP);
});

test('after the end nothing is told, and ending again is nothing', async () => {
  const poller = testPoller();
  const [ended, other] = [pipe(), pipe()];
  const watch = poller.watch(ended.readEnd, EPOLLIN, () => {
    throw new Error('told after the end');
  });
  watch.end();
  watch.end();
  watch.arm(EPOLLIN);
  writeSync(ended.writeEnd, 'x');
  writeSync(other.writeEnd, 'x');
  await event(poller, other.readEnd, EPOLLIN);
});

test('an error of a handler reaches the error handler, and the others go on', async () => {
  const errors: unknown[] = [];
  const poller = testPoller((error) => errors.push(error));
  const [broken, other] = [pipe(), pipe()];
  const watch = poller.watch(broken.readEnd, EPOLLIN, () => {
    watch.end();
    throw new Error('broken');
  });
  writeSync(broken.writeEnd, 'x');
  writeSync(other.writeEnd, 'x');
  await event(poller, other.readEnd, EPOLLIN);
  writeSync(other.writeEnd, 'x');
  expect(errors).toEqual([new Error('broken')]);
});

test('an event under way for a descriptor that was closed does not reach the next one of its number', async () => {
  const poller = testPoller();
  const [first, second] = [pipe(), pipe()];
  const reused: number[] = [];
  // Both are ready in one wait. Whoever is told first gives the other's number to a descriptor where nothing happens.
  await new Promise<void>((resolve) => {
    const watches = new Map<number, Watch>();
    const takeOver = (other: number): void => {
      // Both watches are over: each was ended once.
      for (const watch of watches.values()) watch.end();
      call('dup3', pipe().readEnd, other, O_CLOEXEC);
      closedAfterTest(other);
      poller.watch(other, EPOLLIN, () => reused.push(other));
      // The rest of this wait's events are handed out before a promise goes on.
      setImmediate(resolve);
    };
    watches.set(first.readEnd, poller.watch(first.readEnd, EPOLLIN, () => takeOver(second.readEnd)));
    watches.set(second.readEnd, poller.watch(second.readEnd, EPOLLIN, () => takeOver(first.readEnd)));
    writeSync(first.writeEnd, 'x');
    writeSync(second.writeEnd, 'x');
  });
  expect(reused).toEqual([]);
});

test('the same descriptor twice is refused, and the first watch goes on', async () => {
  const poller = testPoller();
  const { readEnd, writeEnd } = pipe();
  const told = event(poller, readEnd, EPOLLIN);
  expect(() => poller.watch(readEnd, EPOLLIN, () => {})).toThrow(expect.objectContaining({ errnoName: 'EEXIST' }));
  writeSync(writeEnd, 'x');
  expect((await told).events).toBe(EPOLLIN);
});

test('stopping twice is nothing', () => {
  const poller = new Poller(() => {});
  poller.stop();
  poller.stop();
});

/** Numbers of this process's epoll sets. */
function polled(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]';
    } catch {
      return false;
    }
  });
}

test('a watch that is ended when the poller has ended is nothing', async () => {
  const before = polled();
  const poller = new Poller(() => {});
  const watch = poller.watch(pipe().readEnd, EPOLLIN, () => {});
  const own = polled().find((fd) => !before.includes(fd));
  expect(own).toBeDefined();
  poller.stop();
  // Closed by the thread that waits in it.
  while (polled().includes(own ?? '')) await new Promise((resolve) => { setImmediate(resolve); });
  watch.arm(EPOLLIN);
  watch.end();
});
