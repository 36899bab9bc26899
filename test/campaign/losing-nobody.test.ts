/** The losing-nobody test, long, and each protection taken out in turn. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { churn, type ChurnOptions, describeChurn, enableChurnSites, type Churn } from '../support/churn.ts';
import { dyingAtMoments, moments } from '../support/moments.ts';
import { installMutant, type Mutation, removeMutant, without } from '../support/mutant.ts';
import { Scene } from '../support/scene.ts';

const exitIdleTime = '200ms';
/** Another one each time; a run that fails says which it was. */
const seed = Number(process.env['WAKESOCK_CHURN_SEED'] ?? Math.floor(Date.now() / 1000));
const requests = Number(process.env['WAKESOCK_CHURN_REQUESTS'] ?? 20_000);
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox(), exitIdleTime);
  await enableChurnSites(scene);
});
afterAll(() => scene.close());

const log = (line: string): void => void process.stderr.write(`losing-nobody: ${line}\n`);

async function run(what: string, options: Omit<ChurnOptions, 'seed' | 'log'>): Promise<Churn> {
  log(`${what}, WAKESOCK_CHURN_SEED=${seed}`);
  const result = await churn(scene, { ...options, seed, log });
  log(`${what}: ${describeChurn(result)}`);
  return result;
}

async function runWithout(what: string, mutations: readonly Mutation[], options: Omit<ChurnOptions, 'seed' | 'log'>): Promise<Churn> {
  await installMutant(scene.box, exitIdleTime, ...mutations);
  try {
    return await run(what, options);
  } finally {
    await removeMutant(scene.box);
  }
}

test(`${requests} requests, while sites stop and wake and the activator is killed: none is lost, no body altered`, async () => {
  const result = await run(`${requests} requests`, { requests, burstMax: 6, signalEveryMs: 4_000 });
  expect(result.report).toBe('');
  expect(result.failed).toEqual([]);
  // In proportion to the short one.
  expect(result.stops).toBeGreaterThanOrEqual(requests * 0.06);
  expect(result.wakes).toBeGreaterThanOrEqual(requests * 0.06);
  expect(result.kills).toBeGreaterThanOrEqual(requests * 0.005);
});

test(`${requests / 4} requests, while the activator is killed three times as often: none is lost`, async () => {
  const result = await run('killed often', { requests: requests / 4, burstMax: 6, signalEveryMs: 1_300 });
  expect(result.report).toBe('');
  expect(result.failed).toEqual([]);
  expect(result.kills).toBeGreaterThanOrEqual(requests / 4 * 0.015);
});

test('killed at every moment at which something is half done: none is lost', async () => {
  const result = await runWithout('killed at every moment', dyingAtMoments(), { requests: requests / 10, burstMax: 6, signalEveryMs: null, moments });
  expect(result.report).toBe('');
  expect(result.failed).toEqual([]);
  expect([...result.met.keys()].toSorted()).toEqual(moments.toSorted());
});

/** Which request meets a stop is chance: where none did, once more. */
async function loses(what: string, mutations: readonly Mutation[], options: Omit<ChurnOptions, 'seed' | 'log'>): Promise<void> {
  for (let round = 1; round <= 5; round += 1) {
    const { failed, stops } = await runWithout(what, mutations, options);
    expect(stops).toBeGreaterThan(20);
    if (failed.length > 0) return;
  }
  expect.fail(`${what}: nobody was lost in ${5 * options.requests} requests`);
}

/** That a killed activator's stop is remembered: test/system/killed.test.ts, where it needs no luck. */
describe('each protection is seen missing', () => {
  /** What these do to whom they had accepted differs most. */
  const unlooked = { requests: 600, burstMax: 6, signalEveryMs: null, sites: ['churn-deaf', 'churn-fds'] };

  test('new clients are held while the program ends', () => loses('nobody held', without.hold, { requests: 300, burstMax: 3, signalEveryMs: null }));

  test('the last look alone would do', async () => {
    const { failed, report, stops } = await runWithout('no first look', without.firstLook, unlooked);
    expect(stops).toBeGreaterThan(20);
    expect({ failed, report }).toEqual({ failed: [], report: '' });
  });

  test('but not without the last look', () => loses('no look at all', [...without.firstLook, ...without.lastLook], unlooked));
});
