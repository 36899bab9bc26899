/** `wakesock bench` of a real site: it is put to sleep and woken as often as it says. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { Scene, tcpSite } from '../support/scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox(), '30s');
  await scene.enable({
    measured: tcpSite('/usr/bin/python3 -m http.server 3000', 8390, { 'X-Wakesock': { Host: 'measured.example.com' } }),
    broken: tcpSite('/bin/false', 8391),
  });
});
afterAll(() => scene.close());

test('as many wakes as were asked for, each with its steps, and a warm run', async () => {
  const { wakes } = await scene.status('measured');
  const { cold, warm, ...rest } = JSON.parse(await scene.product.run('bench', '--cold=3', '--rate=5', '--yes', '--json', 'measured'));
  expect(rest).toMatchObject({ site: 'measured', handoff: 'adopt', url: 'http://0.0.0.0:8390/' });
  expect({ samples: cold.samplesMs.length, failed: cold.failed, steps: Object.keys(cold.stepsMs) }).toEqual({ samples: 3, failed: [], steps: ['process', 'scope', 'go', 'listen', 'answer'] });
  // The steps of a wake are parts of what the client waited for.
  expect(Object.values<number>(cold.stepsMs).every((ms) => ms >= 0 && ms <= Math.max(...cold.samplesMs))).toBe(true);
  expect({ samples: warm.samplesMs.length, failures: warm.failures }).toEqual({ samples: 50, failures: 0 });
  const after = await scene.status('measured');
  expect({ wakes: after.wakes - wakes, state: after.state }).toEqual({ wakes: 3, state: 'awake' });
});

test('by its URL, for people', async () => {
  const text = await scene.product.run('bench', '--cold=1', '--rate=0', '--yes', 'http://127.0.0.1:8390/');
  expect(text).toMatch(/^measured {2}adopt {2}http:\/\/127\.0\.0\.1:8390\/\n\nCold: first byte of 1 wakes\n {2}p50 /);
});

test('a site that does not start is said to be one, and not tried again', async () => {
  const { code, stderr } = await scene.product.exec('bench', '--cold=20', '--rate=0', '--yes', 'broken');
  expect(code).toBe(1);
  expect(stderr).toContain('broken cannot be measured, it does not start: ');
});
