import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Activity } from '../../../src/idle/activity.ts';
import type { CameAndWent } from '../../../src/idle/came-and-went.ts';
import { Idleness } from '../../../src/idle/idleness.ts';

const nobody: Activity = { waiting: 0, halfOpen: 0, established: 0, unreadMs: Infinity, quietMs: Infinity };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A site that is awake, looked at by a clock that the test moves. */
function attended({ idleMs = 1_000, presentIdleMs = idleMs }: { idleMs?: number; presentIdleMs?: number } = {}) {
  const told: { idleAtMs: number[]; used: number; ended: number; failed: number } = { idleAtMs: [], used: 0, ended: 0, failed: 0 };
  let activity: Activity | Error = nobody;
  const heard: (() => void)[] = [];
  const startMs = performance.now();
  const cameAndWent: Pick<CameAndWent, 'subscribe'> = {
    subscribe: (_addresses, _quantumMs, callback) => {
      heard.push(callback);
      return () => void (told.ended += 1);
    },
  };
  const idleness = new Idleness({
    now: () => performance.now(), cameAndWent: cameAndWent as CameAndWent,
    idleMs: () => idleMs, presentIdleMs: () => presentIdleMs,
    look: () => {
      if (activity instanceof Error) throw activity;
      return activity;
    },
    attended: () => true, failed: () => void (told.failed += 1),
    used: () => void (told.used += 1), idle: () => void told.idleAtMs.push(performance.now() - startMs),
  });
  idleness.begins();
  idleness.attend([{ family: 'ipv4', address: '0.0.0.0', port: 80 }]);
  return { idleness, told, heard: () => heard.forEach((hear) => hear()), sees: (next: Partial<Activity> | Error) => void (activity = next instanceof Error ? next : { ...nobody, ...next }) };
}

test('who is asked for nothing is idle after IdleSec=, not before', () => {
  const { told } = attended();
  vi.advanceTimersByTime(999);
  expect(told.idleAtMs).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told.idleAtMs).toEqual([1_000]);
});

test('a connection on which something moved counts from then on', () => {
  const { told, sees } = attended();
  sees({ established: 1, quietMs: 400 });
  vi.advanceTimersByTime(1_000);
  expect(told).toMatchObject({ idleAtMs: [], used: 1 });
  sees({ established: 1, quietMs: 1_000 });
  vi.advanceTimersByTime(600);
  expect(told.idleAtMs).toEqual([1_600]);
});

test('one that came and went counts for as long as nobody would hear of the next', () => {
  const { idleness, told, heard } = attended();
  vi.advanceTimersByTime(500);
  expect(idleness.served).toBe(false);
  heard();
  expect(idleness.served).toBe(true);
  vi.advanceTimersByTime(1_249);
  expect(told.idleAtMs).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told.idleAtMs).toEqual([1_750]);
});

test.each([['waits to be accepted', { waiting: 1 }], ['is half-open', { halfOpen: 1 }], ['has not been read', { established: 1, unreadMs: 10, quietMs: 5_000 }]])('a client that %s holds the stop up: looked at again after a quarter', (_, seen) => {
  const { told, sees } = attended();
  sees(seen);
  vi.advanceTimersByTime(1_200);
  sees({});
  vi.advanceTimersByTime(49);
  expect(told.idleAtMs).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told.idleAtMs).toEqual([1_250]);
});

test('nobody looks while there is a lease; its end is the last use', () => {
  const { idleness, told } = attended();
  const end = idleness.lease();
  vi.advanceTimersByTime(5_000);
  expect(told.idleAtMs).toEqual([]);
  end();
  vi.advanceTimersByTime(999);
  expect(told.idleAtMs).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told.idleAtMs).toEqual([6_000]);
});

test('a stop that found somebody is tried again soon, not at once', () => {
  const { idleness, told } = attended();
  vi.advanceTimersByTime(1_000);
  idleness.wasInUse();
  idleness.attend([]);
  vi.advanceTimersByTime(19);
  expect(told.idleAtMs).toEqual([1_000]);
  vi.advanceTimersByTime(1);
  expect(told.idleAtMs).toEqual([1_000, 1_020]);
});

test('IdleSec=infinity never is', () => {
  const { told } = attended({ idleMs: Infinity });
  vi.advanceTimersByTime(2 ** 32);
  expect(told.idleAtMs).toEqual([]);
});

test('a program that serves nobody who could lose anything is idle sooner', () => {
  const { told } = attended({ idleMs: Infinity, presentIdleMs: 1_000 });
  vi.advanceTimersByTime(1_000);
  expect(told.idleAtMs).toEqual([1_000]);
});

test('after its end it says nothing', () => {
  const { idleness, told } = attended();
  idleness.end();
  vi.advanceTimersByTime(10_000);
  expect(told).toMatchObject({ idleAtMs: [], ended: 1 });
});

test('a look that fails ends nothing: it is told, and there is another', () => {
  const { told, sees } = attended();
  sees(new Error('no descriptors left'));
  vi.advanceTimersByTime(2_000);
  expect(told).toMatchObject({ idleAtMs: [], failed: 2 });
  sees({});
  vi.advanceTimersByTime(1_000);
  expect(told).toMatchObject({ idleAtMs: [3_000], failed: 2 });
});
