import { expect, test } from 'vitest';
import { Waiters } from '../../../src/activator/waiters.ts';
import { WakesockError } from '../../../src/base/errors.ts';

const busy = new WakesockError('ERR_WAKESOCK_BUSY', 'busy');

test('each is told once, and of what it waits for', async () => {
  const waiters = new Waiters();
  const [awake, asleep] = [waiters.untilAwake(), waiters.untilAsleep(false)];
  expect(waiters.none).toBe(false);
  waiters.awake();
  await awake;
  expect(waiters.sleep).toEqual({ force: false });
  waiters.asleep();
  await asleep;
  expect(waiters.none).toBe(true);
  expect(waiters.sleep).toBeNull();
});

test('an attempt that fails is the answer for who asked for no more; who asked for force waits for its own', async () => {
  const waiters = new Waiters();
  const [plain, forced] = [waiters.untilAsleep(false), waiters.untilAsleep(true)];
  expect(waiters.sleep).toEqual({ force: true });
  waiters.notAsleep(busy, false);
  await expect(plain).rejects.toBe(busy);
  expect(waiters.none).toBe(false);
  waiters.notAsleep(busy, true);
  await expect(forced).rejects.toBe(busy);
  expect(waiters.none).toBe(true);
});

test('all are sent away', async () => {
  const waiters = new Waiters();
  const all = [waiters.untilAwake(), waiters.untilAsleep(false), waiters.untilAsleep(true)];
  waiters.sendAway(busy);
  for (const one of all) await expect(one).rejects.toBe(busy);
  expect(waiters.none).toBe(true);
});
