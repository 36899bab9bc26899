/** `wakesock check --boot`: the check to run when a site was deployed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { python, Scene, tcpSite } from '../support/scene.ts';

interface Checked { readonly errors: number; readonly boots?: readonly { readonly name: string; readonly phasesMs: Record<string, number | null>; readonly asleepAgain: boolean }[] }

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.write({ deployed: tcpSite(`${python('plain.py')} 3000`, 8301), broken: tcpSite('/programs/exits_at_once.sh', 8302), 'many@': tcpSite(`${python('plain.py')} 3000`, 8303, { 'X-Wakesock': { ListenStream: '127.0.0.1:83%i', Host: '%i.example.com' } }) });
  await scene.product.run('enable', 'deployed', 'broken', 'many@10', 'many@11');
});
afterAll(async () => {
  await scene.remove('many@10', 'many@11');
  await scene.close();
});

test('a good site is woken, timed by phase, and asleep again', async () => {
  const result = await scene.box.exec(scene.product.command('check', '--boot', '--json', 'deployed', 'many@11'));
  expect(result).toMatchObject({ code: 0 });
  const { boots, errors } = JSON.parse(result.stdout) as Checked;
  expect(errors).toBe(0);
  expect(boots?.map(({ name, asleepAgain }) => [name, asleepAgain])).toEqual([['deployed', true], ['many@11', true]]);
  for (const phase of ['process', 'scope', 'go', 'listen', 'total']) expect(boots?.[0]?.phasesMs[phase]).toBeGreaterThan(0);
  expect(await scene.status('deployed')).toMatchObject({ state: 'dormant', wakes: 1, lastWake: { by: 'check' } });
});

test('a program that ends at once fails the check with what a client would have met', async () => {
  const { code, stderr } = await scene.box.exec(scene.product.command('check', '--boot', 'broken'));
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('ERR_WAKESOCK_EXITED') as string });
});

test('a site that is in use is left alone', async () => {
  const client = scene.clients.open('127.0.0.1:8301', 'hello\n');
  await client.answer();
  const { code, stderr } = await client.inUseDuring(scene.box.exec(scene.product.command('check', '--boot', 'deployed')));
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('ERR_WAKESOCK_BUSY') as string });
  expect(await scene.status('deployed')).toMatchObject({ state: 'awake' });
  client.close();
});

test('instances of a template have addresses of their own', async () => {
  const sites = (await scene.report()).sites.filter(({ name }) => name.startsWith('many@'));
  // Told by an activator that has woken only one of them.
  expect(sites.map(({ name, listen, hosts }) => [name, listen, hosts])).toEqual([
    ['many@10', ['127.0.0.1:8310'], ['10.example.com']], ['many@11', ['127.0.0.1:8311'], ['11.example.com']],
  ]);
});
