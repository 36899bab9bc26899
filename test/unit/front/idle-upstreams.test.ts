import { expect, test, vi } from 'vitest';
import { upstreamIdleMax, upstreamIdleMsMax } from '../../../src/base/limits.ts';
import { IdleUpstreams, type IdleUpstream } from '../../../src/front/idle-upstreams.ts';

function upstream(usable = true) {
  return { usable, reused: false, idleSinceMs: 0, socket: { resume: vi.fn(), destroy: vi.fn() } } satisfies IdleUpstream & { usable: boolean };
}
const clock = { nowMs: 1_000 };
const idle = (...all: ReturnType<typeof upstream>[]): IdleUpstreams<ReturnType<typeof upstream>> => {
  clock.nowMs = 1_000;
  const those = new IdleUpstreams<ReturnType<typeof upstream>>(clock);
  for (const one of all) those.put(one);
  return those;
};

test('the last in is the first out, read on meanwhile, and known as one that was used', () => {
  const [first, last] = [upstream(), upstream()];
  const all = idle(first, last);
  expect(last).toMatchObject({ reused: true, idleSinceMs: 1_000 });
  expect(last.socket.resume).toHaveBeenCalledOnce();
  expect([all.take(), all.take(), all.take()]).toEqual([last, first, null]);
});

test('one that cannot be used again is closed, when it comes or when it is asked for', () => {
  const [ended, ends] = [upstream(false), upstream()];
  const all = idle(ended, ends);
  expect(ended.socket.destroy).toHaveBeenCalledOnce();
  ends.usable = false;
  expect(all.take()).toBeNull();
  expect(ends.socket.destroy).toHaveBeenCalledOnce();
});

test('one that nothing was asked on for long is not given out: its program may be about to close it', () => {
  const old = upstream();
  const all = idle(old);
  clock.nowMs += upstreamIdleMsMax + 1;
  expect(all.take()).toBeNull();
  expect(old.socket.destroy).toHaveBeenCalledOnce();
});

test('the oldest goes when it is too old and another comes', () => {
  const [old, young] = [upstream(), upstream()];
  const all = idle(old);
  clock.nowMs += upstreamIdleMsMax + 1;
  all.put(young);
  expect(old.socket.destroy).toHaveBeenCalledOnce();
  expect([all.take(), all.take()]).toEqual([young, null]);
});

test('of more than are kept the last to come is closed', () => {
  const many = Array.from({ length: upstreamIdleMax + 1 }, () => upstream());
  idle(...many);
  expect(many.map(({ socket }) => socket.destroy.mock.calls.length)).toEqual([...Array.from({ length: upstreamIdleMax }, () => 0), 1]);
});

test('one that has ended is told from one that was in use', () => {
  const [waiting, used] = [upstream(), upstream()];
  const all = idle(waiting, used);
  all.take();
  expect([all.remove(used), all.remove(waiting), all.take()]).toEqual([false, true, null]);
});

test('in the end all are closed', () => {
  const both = [upstream(), upstream()];
  const all = idle(...both);
  all.end();
  expect(both.map(({ socket }) => socket.destroy.mock.calls.length)).toEqual([1, 1]);
  expect(all.take()).toBeNull();
});
