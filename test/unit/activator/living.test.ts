import { expect, test } from 'vitest';
import { Living } from '../../../src/activator/living.ts';
import type { Effect } from '../../../src/lifecycle/lifecycle.ts';

/** @param fails effects that throw, by type */
function living(...fails: readonly Effect['type'][]): { readonly life: Living; readonly carriedOut: string[]; readonly logged: string[]; readonly states: string[] } {
  const carriedOut: string[] = [];
  const logged: string[] = [];
  const states: string[] = [];
  const life = new Living({
    name: 'blog', now: () => 0, changed: () => states.push('changed'),
    log: { error: (text: string) => logged.push(text) } as never,
    record: { stateChanged: (_, { name }) => states.push(name) },
    carryOut: ({ type }) => {
      carriedOut.push(type);
      if (fails.includes(type)) throw new Error('no descriptors left');
    },
    report: (event) => life.dispatch(event),
    notArmed: () => carriedOut.push('to be armed again'),
  });
  return { life, carriedOut, logged, states };
}

test('effects of an event are carried out before the next event, also one that they report', () => {
  const order: string[] = [];
  const life = new Living({
    name: 'blog', now: () => 0, changed: () => {}, log: {} as never, record: { stateChanged: (_, { name }) => order.push(name) }, notArmed: () => {},
    report: (event) => life.dispatch(event),
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

test('an effect that fails keeps no later event from being heard', () => {
  const { life, carriedOut } = living('settle', 'disarm', 'arm');
  life.dispatch({ type: 'wake', by: 'test', atOnce: false });
  life.dispatch({ type: 'listening' });
  life.dispatch({ type: 'sleep', force: true });
  life.dispatch({ type: 'stopping' });
  life.dispatch({ type: 'gone' });
  expect(life.state.name).toBe('dormant');
  expect(carriedOut).toContain('to be armed again');
});
