import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { burst, closedLoop, failureCount, openLoop } from '../../../src/bench/load.ts';

beforeEach(() => { vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }); });
afterEach(() => { vi.useRealTimers(); });

const soon = (ms: number): Promise<number> => new Promise((resolve) => { setTimeout(() => resolve(ms), ms); });
/** At the first request the client itself stands still: nothing else runs meanwhile. */
function stall(index: number): Promise<number> {
  if (index === 0) vi.advanceTimersByTime(35);
  return Promise.resolve(1);
}

describe('openLoop', () => {
  it('sends evenly, whether or not earlier ones have been answered', async () => {
    const sentMs: number[] = [];
    const startMs = performance.now();
    const done = openLoop(() => { sentMs.push(performance.now() - startMs); return soon(1_000); }, { ratePerSecond: 100, durationMs: 50 });
    await vi.runAllTimersAsync();
    expect(sentMs).toEqual([0, 10, 20, 30, 40]);
    expect(await done).toEqual({ latenciesMs: [1000, 1000, 1000, 1000, 1000], failures: {}, lateMsMax: 0, durationMs: 1040 });
  });

  it('counts a stall for all who would have come in it, from when they were due', async () => {
    const done = openLoop(stall, { ratePerSecond: 100, durationMs: 50 });
    await vi.runAllTimersAsync();
    const load = await done;
    expect(load.latenciesMs.slice(1)).toEqual([26, 16, 6, 1]);
    expect(load.lateMsMax).toBe(25);
  });

  it('counts failures by their reason', async () => {
    const done = openLoop((index) => (index % 2 === 0 ? Promise.reject(new Error('refused')) : Promise.resolve(2)), { ratePerSecond: 1000, durationMs: 5 });
    await vi.runAllTimersAsync();
    const load = await done;
    expect(load).toMatchObject({ latenciesMs: [2, 2], failures: { refused: 3 } });
    expect(failureCount(load)).toBe(3);
  });
});

describe('closedLoop', () => {
  it('has as many requests in flight as connections, until the time is over', async () => {
    let inFlight = 0, most = 0;
    const send = async (): Promise<number> => {
      most = Math.max(most, inFlight += 1);
      const ms = await soon(10);
      inFlight -= 1;
      return ms;
    };
    const done = closedLoop(send, { connections: 3, durationMs: 45 });
    await vi.runAllTimersAsync();
    const load = await done;
    expect({ most, answers: load.latenciesMs.length, durationMs: load.durationMs }).toEqual({ most: 3, answers: 15, durationMs: 50 });
  });
});

describe('burst', () => {
  it('sends all at once and is done with the last answer', async () => {
    const done = burst((index) => soon(10 * (index + 1)), 4);
    await vi.runAllTimersAsync();
    expect(await done).toEqual({ latenciesMs: [10, 20, 30, 40], failures: {}, lateMsMax: 0, durationMs: 40 });
  });
});
