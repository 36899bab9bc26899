/** The losing-nobody test, short; test/campaign has the long one. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { churn, describeChurn, enableChurnSites } from '../support/churn.ts';
import { dyingAtMoments, moments } from '../support/moments.ts';
import { installMutant, removeMutant, without } from '../support/mutant.ts';
import { python, Scene, service, tcpSite } from '../support/scene.ts';

const exitIdleTime = '200ms';
const seed = Number(process.env['WAKESOCK_CHURN_SEED'] ?? 1);
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox(), exitIdleTime);
  await enableChurnSites(scene);
});
afterAll(() => scene.close());

test('300 requests, while sites stop and wake and the activator is killed: none is lost, no body altered', async () => {
  const result = await churn(scene, { requests: 300, burstMax: 3, signalEveryMs: 3_000, seed });
  process.stderr.write(`losing-nobody: ${describeChurn(result)}\n`);
  expect(result.report).toBe('');
  expect(result.failed).toEqual([]);
  expect(result.stops).toBeGreaterThanOrEqual(15);
  expect(result.wakes).toBeGreaterThanOrEqual(15);
  expect(result.kills).toBeGreaterThanOrEqual(3);
}, 120_000);

test('killed at moments at which something is half done: none is lost', async () => {
  await installMutant(scene.box, exitIdleTime, ...dyingAtMoments());
  try {
    const result = await churn(scene, { requests: 200, burstMax: 3, signalEveryMs: null, moments, seed });
    process.stderr.write(`losing-nobody, killed at moments: ${describeChurn(result)}\n`);
    expect(result.report).toBe('');
    expect(result.failed).toEqual([]);
    expect(result.met.size).toBeGreaterThanOrEqual(moments.length / 5);
  } finally {
    await removeMutant(scene.box);
  }
}, 120_000);

test('the same loses clients once the protection is taken out', async () => {
  await installMutant(scene.box, exitIdleTime, ...without.hold, ...without.firstLook, ...without.lastLook);
  try {
    const result = await churn(scene, { requests: 140, burstMax: 3, signalEveryMs: null, seed });
    process.stderr.write(`losing-nobody, unprotected: ${describeChurn(result)}\n`);
    expect(result.stops).toBeGreaterThanOrEqual(10);
    expect(result.failed.length).toBeGreaterThan(0);
  } finally {
    await removeMutant(scene.box);
  }
});

test('an activator that is stopped in the midst of a stop leaves no site deaf', async () => {
  await scene.enable({ late: tcpSite(python('deaf_to_sigterm.py'), 8310, { Service: { TimeoutStopSec: '4s' }, 'X-Wakesock': { IdleSec: '250ms' } }) });
  const from = await scene.mark();
  const { start } = await scene.clients.ask('127.0.0.1:8310');
  await scene.inState('late', 'draining', from);
  await scene.box.run(['systemctl', 'stop', service]);
  // It has waited until the program was killed: who comes wakes another.
  expect((await scene.clients.ask('127.0.0.1:8310')).start).not.toBe(start);
});
