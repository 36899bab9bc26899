import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffMaxMs } from '../../../src/base/limits.ts';
import { backoffMs, born, next, type Effect, type Event, type Life, type SiteError } from '../../../src/lifecycle/lifecycle.ts';

const broken: SiteError = { code: 'ERR_WAKESOCK_RUNTIME', message: 'broken' };

function after(events: readonly (Event | readonly [Event, number])[], from: Life = born): { life: Life; effects: readonly Effect[] } {
  let life = from;
  let effects: readonly Effect[] = [];
  for (const entry of events) {
    const [event, atMs] = 'type' in entry ? [entry, 0] : entry;
    ({ life, effects } = next(life, event, atMs));
  }
  return { life, effects };
}

const readable: Event = { type: 'readable' };
const listening: Event = { type: 'listening' };
const gone: Event = { type: 'gone' };
const wake: Event = { type: 'wake', by: 'test', atOnce: false };
const wakeNow: Event = { type: 'wake', by: 'cli', atOnce: true };
const resetFailed: Event = { type: 'resetFailed' };
const sleep: Event = { type: 'sleep', force: false };
const stopping: Event = { type: 'stopping' };
const launchFailed: Event = { type: 'launchFailed', error: broken };

describe('one whole life', () => {
  test('dormant → waking → awake → draining → dormant', () => {
    const names = [readable, listening, sleep, stopping, gone].map((_, index, all) => after(all.slice(0, index + 1)).life.state.name);
    expect(names).toEqual(['waking', 'awake', 'awake', 'draining', 'dormant']);
  });

  test('a client that came while it stopped is waited for again at the end', () => {
    expect(after([readable, listening, sleep, stopping, gone]).effects).toContainEqual({ type: 'arm' });
  });

  test('a wake while it stops launches once it is gone', () => {
    expect(after([readable, listening, sleep, stopping, wake]).effects).toEqual([]);
    expect(after([readable, listening, sleep, stopping, wake, gone]).effects).toContainEqual({ type: 'launch', by: 'test' });
  });

  test('a stop that finds somebody leaves it awake and attended', () => {
    const { life, effects } = after([readable, listening, sleep, { type: 'inUse' }]);
    expect(life.state).toMatchObject({ name: 'awake', stopping: false });
    expect(effects).toEqual([{ type: 'attend' }]);
  });

  test('it is stopped once, however often it is asked', () => {
    expect(after([readable, listening, sleep, sleep]).effects).toEqual([]);
  });
});

describe('a stop by force while one is under way that may be undone', () => {
  const forced: Event = { type: 'sleep', force: true };
  const asked = after([readable, listening, sleep, forced, sleep]);

  test('waits for how that one ends', () => {
    expect(asked.effects).toEqual([]);
  });

  test('is begun when that one is undone, once', () => {
    const again = after([{ type: 'inUse' }], asked.life);
    expect(again.effects).toEqual([{ type: 'stop', force: true }]);
    expect(again.life.state).toMatchObject({ name: 'awake', stopping: true });
    expect(after([{ type: 'inUse' }], again.life).effects).toEqual([{ type: 'attend' }]);
  });

  test('is not needed where that one is not undone', () => {
    const ended = after([stopping, gone, readable, listening, sleep, { type: 'inUse' }], asked.life);
    expect(ended.effects).toEqual([{ type: 'attend' }]);
  });
});

describe('back-off', () => {
  test('1 s, 2 s, 4 s … 60 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 100, 10_000].map(backoffMs)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, backoffMaxMs]);
  });

  const failed = after([readable, launchFailed, gone]).life;

  test('a failed start ends in failed, and who waits is closed', () => {
    expect(failed.state).toEqual({ name: 'failed', error: broken, untilMs: 1000 });
    expect(after([readable, launchFailed, gone]).effects).toEqual([{ type: 'refuse' }, { type: 'settle', error: broken }, { type: 'arm' }]);
  });

  test('a client within it is closed, a wake is answered with an error', () => {
    expect(after([[readable, 999]], failed).effects).toEqual([{ type: 'refuse' }, { type: 'arm' }]);
    expect(after([[wake, 999]], failed).effects).toEqual([{ type: 'settle', error: { code: 'ERR_WAKESOCK_BACKOFF', message: 'Not tried again for 1 s: broken' } }]);
  });

  test('a client after it is served', () => {
    expect(after([[readable, 1000]], failed).effects).toContainEqual({ type: 'launch', by: 'connection' });
  });

  test('a wake of this very site is tried at once within it, and what fails then is the first failure', () => {
    const often = after([[readable, 1000], [launchFailed, 1000], [gone, 1000]], failed).life;
    const { life, effects } = after([[wakeNow, 1001]], often);
    expect(effects).toContainEqual({ type: 'launch', by: 'cli' });
    expect(after([[launchFailed, 1001], [gone, 1001]], life).life).toMatchObject({ failures: 1, state: { untilMs: 2001 } });
  });

  test('such a wake while a failed start is cleared away is not answered with that failure', () => {
    expect(after([readable, launchFailed, wakeNow, gone]).effects).toContainEqual({ type: 'launch', by: 'cli' });
  });

  test('each failure doubles it', () => {
    expect(after([[readable, 1000], [launchFailed, 1000], [gone, 1000]], failed).life.state).toMatchObject({ untilMs: 3000 });
  });

  test('to have listened does not clear it, to have served does', () => {
    expect(after([[readable, 1000], [listening, 1000], [launchFailed, 1000], [gone, 1000]], failed).life.failures).toBe(2);
    expect(after([[readable, 1000], [listening, 1000], sleep, stopping], failed).life.failures).toBe(0);
    expect(after([[readable, 1000], [listening, 1000], [gone, 2000]], failed).life.failures).toBe(0);
    expect(after([[readable, 1000], [listening, 1000], [gone, 1999]], failed).life.failures).toBe(1);
  });
});

describe('prepared anew', () => {
  const failed = after([readable, launchFailed, gone, [readable, 1000], [launchFailed, 1000], [gone, 1000]]).life;

  test('within the back-off: the next client is served', () => {
    const { life, effects } = after([[resetFailed, 1001]], failed);
    expect({ life, effects }).toEqual({ life: born, effects: [] });
  });

  test('a start that fails after that is the first', () => {
    expect(after([[resetFailed, 1001], [readable, 1001], [launchFailed, 1001], [gone, 1001]], failed).life).toMatchObject({ failures: 1, state: { untilMs: 2001 } });
  });

  test('while a start is under way: if that fails, there is another for whoever waits, which is the first', () => {
    const again = after([readable, resetFailed, launchFailed, gone]);
    expect(again.effects).toEqual([{ type: 'disarm' }, { type: 'launch', by: 'connection' }]);
    expect(after([launchFailed, gone], again.life).life).toMatchObject({ failures: 1, state: { name: 'failed', untilMs: 1000 } });
  });

  test('while a start is under way that does not fail: nothing is begun anew', () => {
    expect(after([readable, resetFailed, listening]).life.state.name).toBe('awake');
  });

  test('while a failed start is cleared away: there is another, for whom that one was', () => {
    expect(after([wake, launchFailed, resetFailed, gone]).effects).toEqual([{ type: 'disarm' }, { type: 'launch', by: 'test' }]);
  });

  test('programs that ended early count no more', () => {
    const early = [readable, listening, gone] as const;
    expect(after([...early, ...early, resetFailed, ...early]).life).toMatchObject({ earlyExits: 1, state: { name: 'dormant' } });
  });
});

describe('a program that ends by itself', () => {
  const once = [readable, listening, gone] as const;

  test('twice right after it listened: the next client has another', () => {
    const { life, effects } = after([...once, ...once]);
    expect(life.state.name).toBe('dormant');
    expect(effects).toContainEqual({ type: 'arm' });
  });

  test('three times: it has failed', () => {
    expect(after([...once, ...once, ...once]).life.state).toMatchObject({ name: 'failed', error: { code: 'ERR_WAKESOCK_EXITED' } });
  });

  test('one that served in between begins the count again', () => {
    expect(after([...once, ...once, readable, [listening, 0], [gone, 1000], ...once]).life.state.name).toBe('dormant');
  });

  test('three times and again: the back-off grows', () => {
    const first = after([...once, ...once, ...once]).life;
    const again = [readable, listening, gone].map((event) => [event, 1000] as const);
    expect(after([...again, ...again, ...again], first).life.state).toMatchObject({ name: 'failed', untilMs: 3000 });
  });
});

describe('after an earlier activator', () => {
  test('a program that listens is awake and attended', () => {
    const { life, effects } = after([{ type: 'found', as: 'awake' }]);
    expect(life.state.name).toBe('awake');
    expect(effects).toEqual([{ type: 'disarm' }, { type: 'attend' }]);
  });

  test('one that does not listen yet is waking', () => {
    expect(after([{ type: 'found', as: 'waking' }, listening]).life.state.name).toBe('awake');
  });

  test('what cannot be taken over is destroyed, then clients are waited for', () => {
    expect(after([{ type: 'orphan' }]).effects).toEqual([{ type: 'disarm' }, { type: 'destroy' }]);
    expect(after([{ type: 'orphan' }, gone]).effects).toContainEqual({ type: 'arm' });
  });
});

/**
 * A world around the reducer: sockets that are armed or not, at most one container, waiters. Random events that could
 * happen in that world; the invariants are checked after each.
 */
class World {
  life: Life = born;
  nowMs = 0;
  armed = true;
  container = false;
  attended = false;
  wakeWaiters = 0;
  #failedUntilMs = 0;

  apply(event: Event): void {
    if (event.type === 'wake') this.wakeWaiters += 1;
    // Also where the start that is asked for comes only once a failed one has been cleared away.
    if (event.type === 'resetFailed' || (event.type === 'wake' && event.atOnce)) this.#failedUntilMs = 0;
    if (event.type === 'gone') this.container = false;
    if (event.type === 'found') this.container = true;
    if (event.type === 'readable') this.armed = false;
    const before = this.life.state;
    const { life, effects } = next(this.life, event, this.nowMs);
    this.life = life;
    let disarmed = false;
    for (const effect of effects) {
      if (effect.type === 'arm') this.armed = true;
      if (effect.type === 'disarm') {
        this.armed = false;
        disarmed = true;
      }
      if (effect.type === 'attend') this.attended = true;
      if (effect.type === 'settle' && (effect.error !== null || life.state.name === 'awake')) this.wakeWaiters = 0;
      if (effect.type === 'launch') {
        expect(disarmed, 'launch without disarm').toBe(true);
        expect(this.container, 'launched twice').toBe(false);
        expect(this.nowMs, 'launched within the back-off').toBeGreaterThanOrEqual(this.#failedUntilMs);
        this.container = true;
        this.attended = false;
      }
    }
    if (life.state.name === 'failed') this.#failedUntilMs = life.state.untilMs;
    this.#check(before.name, event);
  }

  #check(before: string, event: Event): void {
    const { name } = this.life.state;
    const at = `${before} ${event.type} → ${name}`;
    if (name === 'dormant' || name === 'failed') {
      expect(this.armed, `${at}: nobody waits for clients`).toBe(true);
      expect(this.container, `${at}: a container is left`).toBe(false);
      expect(this.wakeWaiters, `${at}: nobody answers who asked for a wake`).toBe(0);
    }
    if (name === 'waking' || name === 'awake' || name === 'draining') expect(this.armed, `${at}: a program's clients would wake it`).toBe(false);
    if (name === 'awake') {
      expect(this.container, at).toBe(true);
      expect(this.attended, `${at}: nobody looks after it`).toBe(true);
      expect(this.wakeWaiters, `${at}: nobody tells who asked for a wake`).toBe(0);
    }
    expect(this.life.failures, at).toBeGreaterThanOrEqual(0);
    expect(this.life.earlyExits, at).toBeLessThan(3);
  }

  /** What can happen now. Late reports of things that are over can always come. */
  possible(): Event[] {
    const always: Event[] = [wake, wakeNow, resetFailed, sleep, { type: 'sleep', force: true }, launchFailed, listening, { type: 'inUse' }];
    const { state } = this.life;
    return [
      ...always,
      ...(this.armed ? [readable] : []),
      ...(this.container ? [gone] : []),
      ...(state.name === 'draining' ? [gone] : []),
      ...(state.name === 'awake' && state.stopping ? [stopping] : []),
    ];
  }

  /** Brings it to rest, as time does. */
  settleDown(): void {
    for (let step = 0; step < 8 && !['dormant', 'failed'].includes(this.life.state.name); step += 1) this.apply(gone);
  }
}

test('no order of events breaks an invariant, and all who wait are answered', () => {
  fc.assert(
    fc.property(fc.constantFrom<Event | null>(null, { type: 'orphan' }, { type: 'found', as: 'awake' }, { type: 'found', as: 'waking' }, { type: 'found', as: 'draining' }),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 400, 1000, 5000, 70_000)), { maxLength: 60 }), (first, choices) => {
        const world = new World();
        if (first) world.apply(first);
        for (const [choice, laterMs] of choices) {
          world.nowMs += laterMs;
          const possible = world.possible();
          const event = possible[choice % possible.length];
          if (event) world.apply(event);
        }
        world.settleDown();
        expect(['dormant', 'failed']).toContain(world.life.state.name);
        expect(world.wakeWaiters).toBe(0);
      }),
    { numRuns: 2000 },
  );
});
