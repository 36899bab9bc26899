import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXIT_AGAIN, ExitPolicy, type Successor } from '../../../src/activator/exit-policy.ts';
import type { SiteRunner } from '../../../src/activator/site-runner.ts';
import { connected, listening } from '../sockets/kit.ts';

/** What the policy asks of a site. */
class FakeRunner {
  quiet = true;
  busy = false;
  holds = false;
  backoffLeftMs = 0;
}

const IDLE_MS = 30_000;
const nobodyComes: Successor = { extend: () => {}, comes: () => Promise.resolve(false) };

function policy(runners: readonly FakeRunner[], everyFd: readonly number[] = [], idleMs = IDLE_MS): { exit: ExitPolicy; status: () => number | null } {
  const exit = new ExitPolicy(idleMs, everyFd, () => runners as unknown as readonly SiteRunner[]);
  let status: number | null = null;
  void exit.decided.then((decided) => { status = decided; });
  return { exit, status: () => status };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('nothing to do', () => {
  test('it ends after the idle time, not before', async () => {
    const { exit, status } = policy([new FakeRunner()]);
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    expect(status()).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(status()).toBe(0);
  });

  test('what happens meanwhile begins the time again', async () => {
    const runner = new FakeRunner();
    const { exit, status } = policy([runner]);
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    runner.quiet = false;
    exit.reconsider();
    runner.quiet = true;
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    expect(status()).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(status()).toBe(0);
  });

  test('to be told again that nothing happens does not', async () => {
    const { exit, status } = policy([new FakeRunner()]);
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(1);
    expect(status()).toBe(0);
  });

  test('but who waits on a second socket is known to no systemd: it is started again, with what is stored', async () => {
    const runner = new FakeRunner();
    const { exit, status } = policy([runner]);
    exit.reconsider();
    runner.holds = true;
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(status()).toBe(EXIT_AGAIN);
  });

  test('an idle time without end', async () => {
    const { exit, status } = policy([new FakeRunner()], [], Infinity);
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(10 * IDLE_MS);
    expect(status()).toBeNull();
  });

  test('never 0 while a client waits', async () => {
    const listener = listening();
    vi.useRealTimers();
    await connected(listener);
    vi.useFakeTimers();
    const { exit, status } = policy([new FakeRunner()], [listening().fd, listener.fd]);
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(status()).toBe(EXIT_AGAIN);
  });
});

describe('something to do', () => {
  test.each([['a site is awake', { quiet: false }], ['one of several', { quiet: false, busy: true }]])('%s', async (_, state) => {
    const { exit, status } = policy([new FakeRunner(), Object.assign(new FakeRunner(), state)]);
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(10 * IDLE_MS);
    expect(status()).toBeNull();
  });

  test('somebody is at the control socket', async () => {
    const { exit, status } = policy([new FakeRunner()]);
    let busy = true;
    exit.controlBusy = () => busy;
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(10 * IDLE_MS);
    expect(status()).toBeNull();
    busy = false;
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(status()).toBe(0);
  });

  test('somebody came to it at the last moment', async () => {
    const { exit, status } = policy([new FakeRunner()]);
    exit.reconsider();
    exit.controlBusy = () => true;
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(status()).toBeNull();
  });

  test('a back-off is not forgotten before it is over', async () => {
    const failed = Object.assign(new FakeRunner(), { quiet: false, backoffLeftMs: 60_000 });
    const { exit, status } = policy([new FakeRunner(), failed]);
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(60_000);
    Object.assign(failed, { quiet: true, backoffLeftMs: 0 });
    expect(status()).toBeNull();
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(status()).toBe(0);
  });
});

describe('the end of a back-off', () => {
  test('that comes before its time is not waited for', async () => {
    const failed = Object.assign(new FakeRunner(), { quiet: false, backoffLeftMs: 60_000 });
    const { exit, status } = policy([failed]);
    exit.reconsider();
    Object.assign(failed, { quiet: true, backoffLeftMs: 0 });
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    expect(status()).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(status()).toBe(0);
  });
});

describe('told to end', () => {
  test('at once, where no site is between two states; what is awake stays so', async () => {
    const { exit, status } = policy([Object.assign(new FakeRunner(), { quiet: false })]);
    exit.endSettled(EXIT_AGAIN, nobodyComes);
    await vi.advanceTimersByTimeAsync(0);
    expect(status()).toBe(EXIT_AGAIN);
  });

  test('when the last one has settled', async () => {
    const runner = Object.assign(new FakeRunner(), { quiet: false, busy: true });
    const { exit, status } = policy([runner]);
    exit.endSettled(0, nobodyComes);
    await vi.advanceTimersByTimeAsync(0);
    expect(status()).toBeNull();
    runner.busy = false;
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(0);
    expect(status()).toBe(0);
  });

  test('after a while all the same', async () => {
    const { exit, status } = policy([Object.assign(new FakeRunner(), { quiet: false, busy: true })]);
    exit.endSettled(EXIT_AGAIN, nobodyComes);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(status()).toBe(EXIT_AGAIN);
  });

  test('who is held for a program that ends is left to a successor', async () => {
    const extend = vi.fn();
    const { exit, status } = policy([Object.assign(new FakeRunner(), { name: 'blog', quiet: false, busy: true, holds: true }), new FakeRunner()]);
    exit.endSettled(0, { extend, comes: () => Promise.resolve(true) });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(extend).toHaveBeenCalledExactlyOnceWith(['blog'], expect.any(Number));
    expect(status()).toBe(0);
  });

  test('without one the program is waited for, but none that wakes', async () => {
    const ends = Object.assign(new FakeRunner(), { quiet: false, busy: true, holds: true });
    const { exit, status } = policy([ends, Object.assign(new FakeRunner(), { quiet: false, busy: true })]);
    exit.endSettled(0, nobodyComes);
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(status()).toBeNull();
    ends.holds = false;
    exit.reconsider();
    await vi.advanceTimersByTimeAsync(0);
    expect(status()).toBe(0);
  });

  test('not for ever, and systemd has been told for how long', async () => {
    let extendedMs = 0;
    const { exit, status } = policy([Object.assign(new FakeRunner(), { quiet: false, busy: true, holds: true })]);
    exit.endSettled(0, { extend: (_, forMs) => { extendedMs = forMs; }, comes: () => Promise.resolve(false) });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(status()).toBeNull();
    await vi.advanceTimersByTimeAsync(extendedMs);
    expect(status()).toBe(0);
  });

  test('the first decision counts', async () => {
    const { exit, status } = policy([]);
    exit.end(EXIT_AGAIN);
    exit.end(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(status()).toBe(EXIT_AGAIN);
  });
});
