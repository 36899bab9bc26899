/** The losing-nobody test, short; test/campaign has the long one. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { attachBox } from '../box/box.ts';
import { churn, describeChurn, enableChurnSites } from '../support/churn.ts';
import { Scene } from '../support/scene.ts';

const seed = Number(process.env['WAKESOCK_CHURN_SEED'] ?? 1);
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(attachBox(inject('box')));
  await enableChurnSites(scene);
});
afterAll(() => scene.close());

test('500 requests, while sites stop and wake and the activator is killed: none is lost, no body altered', async () => {
  const result = await churn(scene, { requests: 500, burstMax: 3, signalEveryMs: 3_000, seed });
  process.stderr.write(`losing-nobody: ${describeChurn(result)}\n`);
  expect(result.report).toBe('');
  expect(result.failed).toEqual([]);
  expect(result.stops).toBeGreaterThanOrEqual(30);
  expect(result.wakes).toBeGreaterThanOrEqual(30);
  expect(result.kills).toBeGreaterThanOrEqual(5);
});
