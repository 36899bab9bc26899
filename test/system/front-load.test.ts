/** The front door under load, as installed: what stops, dies, comes all at once or takes its time meanwhile. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyProgram } from '../../bench/programs/tiny.ts';
import { FrontLoad } from '../support/front-load.ts';
import { testBox } from '../support/test-box.ts';
import { pollUntil, python, Scene, siteText, tcpSite } from '../support/scene.ts';

const front = 'wakesock-front.service';
const frontSocket = 'wakesock-front.socket';
const stormSites = Array.from({ length: 100 }, (_, i) => String(100 + i));
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.enable({ load: tcpSite(python('http_all.py'), 8581, { 'X-Wakesock': { Host: 'load.example' } }) });
  await scene.box.run(['systemctl', 'start', frontSocket]);
});
afterAll(async () => {
  await scene.box.run(['systemctl', 'stop', frontSocket, front]);
  await scene.close();
});

/** Connections of the front door to a program, by its port. */
async function toPrograms(ports: string): Promise<number> {
  const { MainPID: pid = '' } = await scene.show(front, 'MainPID');
  const text = await scene.box.run(['sh', '-c', `ss --tcp --numeric --no-header --processes state connected '( dport = ${ports} )' | grep -c 'pid=${pid},' || :`]);
  return Number(text);
}

describe('while twenty clients ask without a pause', () => {
  const clients = { what: 'load', hosts: ['load.example'], clients: 20, each: 0, body: 100_000 } as const;

  test('the activator is killed, over and over: all are answered, and nothing is left open', async () => {
    const load = new FrontLoad(scene.box, clients);
    await load.next();
    for (let i = 0; i < 4; i++) {
      const before = await scene.activatorPid();
      await scene.killActivator();
      // Its successor is there, and the site is leased again.
      await pollUntil('the next activator', async () => ![0, before].includes(await scene.activatorPid()));
      await scene.status('load');
    }
    load.go();
    const { statuses } = await load.next();
    expect(Object.keys(statuses as object)).toEqual(['200']);
    await pollUntil('the connections to the program to be closed', async () => await toPrograms(':8581') === 0);
  });

  test('the container is stopped by force: each request ends, those behind it wake the site again', async () => {
    const load = new FrontLoad(scene.box, clients);
    await load.next();
    for (let i = 0; i < 4; i++) {
      await scene.product.run('sleep', '--force', 'load');
      await pollUntil('the site to be awake again', async () => (await scene.status('load')).state === 'awake');
    }
    load.go();
    const { statuses } = await load.next() as { statuses: Record<string, number> };
    // Who was being served lost its program: that is an answer, or an end, never a wait.
    expect(Object.keys(statuses).filter((status) => !['200', '502', '503', 'ECONNRESET'].includes(status))).toEqual([]);
    expect(statuses['200']).toBeGreaterThan(20);
    await pollUntil('the connections to the program to be closed', async () => await toPrograms(':8581') === 0);
  });
});

test('two thousand clients that never end their heads hold nobody up, and are sent away', async () => {
  await scene.box.run(['curl', '--silent', '--fail', '--header', 'Host: load.example', 'http://127.0.0.1/']);
  const slow = new FrontLoad(scene.box, { what: 'slow', hosts: [], clients: 2_000 });
  await slow.next();
  const others = new FrontLoad(scene.box, { what: 'load', hosts: ['load.example'], clients: 10, each: 50 });
  await others.next();
  expect(await others.next()).toEqual({ statuses: { 200: 500 } });
  expect(await slow.next()).toEqual({ statuses: { 408: 2_000 } });
});

describe('a hundred sites that sleep', () => {
  beforeAll(async () => {
    await scene.box.writeFile('/var/lib/storm-root.base64', tinyProgram().toString('base64'));
    await scene.box.run(['sh', '-c', 'mkdir -p /var/lib/storm-root && base64 -d /var/lib/storm-root.base64 > /var/lib/storm-root/tiny && chmod 755 /var/lib/storm-root/tiny']);
    await scene.write({ 'storm@': siteText({ Container: { Rootfs: '/var/lib/storm-root', Exec: '/tiny' }, 'X-Wakesock': { ListenStream: '127.0.0.1:9%i', Port: 8080, Host: '%i.storm.example', IdleSec: '5min' } }) });
    await scene.product.run('enable', ...stormSites.map((name) => `storm@${name}`));
  });
  afterAll(() => scene.remove(...stormSites.map((name) => `storm@${name}`)));

  test('five hundred requests at once to them are all answered', async () => {
    const load = new FrontLoad(scene.box, { what: 'load', hosts: stormSites.map((name) => `${name}.storm.example`), clients: 500, each: 1 });
    await load.next();
    expect(await load.next()).toEqual({ statuses: { 200: 500 } });
    const woken = (await scene.report()).sites.filter(({ name, state }) => name.startsWith('storm@') && state === 'awake');
    expect(woken).toHaveLength(100);
    expect(woken.every(({ wakes }) => wakes === 1)).toBe(true);
  });
});
