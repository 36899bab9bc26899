import { afterEach, expect, test, vi } from 'vitest';
import { Living } from '../../../src/activator/living.ts';
import { WakesockError } from '../../../src/base/errors.ts';
import type { Effect } from '../../../src/lifecycle/lifecycle.ts';

afterEach(() => void vi.useRealTimers());

/** @param fails effects that throw, by type */
function living(...fails: readonly Effect['type'][]): { readonly life: Living; readonly carriedOut: string[]; readonly logged: string[]; readonly states: string[] } {
  const carriedOut: string[] = [];
  const logged: string[] = [];
  const states: string[] = [];
  const life = new Living({
    name: 'blog', now: () => 0, changed: () => states.push('changed'),
    log: { error: (text: string) => logged.push(text) } as never,
    record: { stateChanged: (_, { name }) => states.push(name), resetFailed: () => {} },
    carryOut: ({ type }) => {
      carriedOut.push(type);
      if (fails.includes(type)) throw new Error('no descriptors left');
    },
  });
  return { life, carriedOut, logged, states };
}

test('effects of an event are carried out before the next event, also one that they report', () => {
  const order: string[] = [];
  const life = new Living({
    name: 'blog', now: () => 0, changed: () => {}, log: {} as never, record: { stateChanged: (_, { name }) => order.push(name), resetFailed: () => {} },
    carryOut: ({ type }) => {
      if (type === 'launch') life.dispatch({ type: 'listening' });
      order.push(type);
    },
  });
  life.dispatch({ type: 'wake', by: 'test', atOnce: false });
  expect(order.indexOf('launch')).toBeLessThan(order.indexOf('waking'));
  expect(order.indexOf('waking')).toBeLessThan(order.indexOf('awake'));
  expect(life.state.name).toBe('awake');
});

test('a launch or a looking after that fails ends the site with its reason, and its life goes on', () => {
  for (const type of ['launch', 'attend'] as const) {
    const { life, carriedOut, logged } = living(type);
    life.dispatch({ type: 'wake', by: 'test', atOnce: false });
    if (type === 'attend') life.dispatch({ type: 'listening' });
    expect(life.state).toMatchObject({ name: 'draining', error: { message: 'no descriptors left' } });
    expect(logged).toEqual([`blog: ${type} failed`]);
    expect(carriedOut).toContain('destroy');
    life.dispatch({ type: 'gone' });
    expect(life.state.name).toBe('failed');
  }
});

test('an effect that fails keeps no later event from being heard, and clients that could not be waited for are tried again', () => {
  vi.useFakeTimers();
  const { life, carriedOut } = living('disarm', 'arm');
  const armed = (): number => carriedOut.filter((type) => type === 'arm').length;
  life.dispatch({ type: 'wake', by: 'test', atOnce: false });
  life.dispatch({ type: 'listening' });
  life.dispatch({ type: 'sleep', force: true });
  life.dispatch({ type: 'stopping' });
  life.dispatch({ type: 'gone' });
  expect(life.state.name).toBe('dormant');
  expect(armed()).toBe(1);
  vi.runOnlyPendingTimers();
  expect(armed()).toBe(2);
  life.retire();
  vi.runOnlyPendingTimers();
  expect(armed()).toBe(2);
});

test('who asks is answered when the site is as he wants it, or with why it is not', async () => {
  const { life } = living();
  const awake = life.wake('test', true);
  const asleep = life.sleep(false);
  expect([life.quiet, life.sleepAsked]).toEqual([false, true]);
  life.dispatch({ type: 'listening' });
  await awake;
  // Heard once it is awake.
  life.repeatSleep();
  expect(life.unsettled).toBe(true);
  const byForce = life.sleep(true);
  life.notStopped(new WakesockError('ERR_WAKESOCK_BUSY', 'in use'), false);
  await expect(asleep).rejects.toThrow('in use');
  // That one is tried at once.
  expect([life.unsettled, life.sleepAsked]).toEqual([true, true]);
  life.dispatch({ type: 'stopping' });
  life.dispatch({ type: 'gone' });
  await byForce;
  expect([life.quiet, life.sleepAsked]).toEqual([true, false]);
});

test('a wake that fails is told so, and within the back-off how long that lasts', async () => {
  const { life } = living();
  const first = life.wake('test', false);
  life.dispatch({ type: 'launchFailed', error: { code: 'ERR_WAKESOCK_RUNTIME', message: 'no crun' } });
  life.dispatch({ type: 'gone' });
  await expect(first).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_RUNTIME', message: 'no crun' }));
  await expect(life.wake('test', false)).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_BACKOFF', retryAfterMs: 1_000 }));
  expect([life.quiet, life.backoffLeftMs]).toEqual([false, 1_000]);
});

test('once the activator ends nothing happens any more, and nobody waits', async () => {
  const { life, carriedOut } = living();
  const waking = life.wake('test', true);
  life.retire();
  await expect(waking).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_NOT_RUNNING' }));
  const done = [...carriedOut];
  await expect(life.sleep(true)).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_NOT_RUNNING' }));
  expect([life.state.name, carriedOut]).toEqual(['waking', done]);
});

test('who only looks on at a wake keeps nobody here: of a site that is awake there is none to wait for', async () => {
  const { life } = living();
  life.dispatch({ type: 'found', as: 'awake' });
  await life.nextWake();
  life.dispatch({ type: 'gone' });
  expect(life.quiet).toBe(true);
  const over = life.nextWake();
  expect(life.quiet).toBe(true);
  life.dispatch({ type: 'readable' });
  life.dispatch({ type: 'launchFailed', error: { code: 'ERR_WAKESOCK_RUNTIME', message: 'no crun' } });
  life.dispatch({ type: 'gone' });
  await over;
  const cutOff = life.nextWake();
  life.retire();
  await cutOff;
});
