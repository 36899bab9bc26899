/** A machine that is restarted, or loses its power, with sites enabled: they answer afterwards, with what they had. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { imageSite, makeImage, rootEntries } from '../support/images.ts';
import { programs } from '../support/product.ts';
import { python, type Scene, tcpSite } from '../support/scene.ts';
import { bootInstalled, continueScene, openScene } from '../support/virtual-machine.ts';
import type { VirtualMachine } from './machine/machine.ts';

let machine: VirtualMachine;
let scene: Scene;
const plain = `${python('plain.py')} 3000`;
const ports = { usual: 8721, writes: 8722, 'shop@one': 8723, shuts: 8724, slow: 8725 };
const ask = (port: number, say = 'hello') => scene.clients.ask(`127.0.0.1:${port}`, say);
const askAll = async (): Promise<void> => {
  for (const port of Object.values(ports)) await ask(port);
};

beforeAll(async () => {
  machine = await bootInstalled();
  scene = await openScene(machine);
  const image = await makeImage(machine, 'writes', [rootEntries], { Cmd: ['/usr/bin/python3', '/programs/plain.py', '3000'], ExposedPorts: { '3000/tcp': {} } });
  await machine.run(['mkdir', '-p', '/srv/may-end']);
  await machine.writeFile('/etc/wakesock/sites/shop@.container', tcpSite(plain, ports['shop@one']));
  await scene.write({
    usual: tcpSite(plain, ports.usual),
    // Its own /usr: there is no box around it.
    writes: imageSite(image, ports.writes, { Container: { Volume: ['/usr:/usr:ro', `${programs}:/programs:ro`] } }),
    shuts: tcpSite(`${python('shuts_down.py')} shutdown 3000`, ports.shuts),
    slow: tcpSite(`${python('slow_end.py')} /may-end/now`, ports.slow, { Container: { Volume: [`${programs}:/programs:ro`, '/srv/may-end:/may-end'] } }),
  });
  await scene.product.run('enable', ...Object.keys(ports));
});
afterAll(() => machine.stop());

test('reboot: states, counts, what a site wrote, and what was learnt of its program are kept', async () => {
  await askAll();
  await ask(ports.writes, 'write /srv/kept by-the-site');
  expect((await ask(ports.shuts, 'stop')).result).toBe('done');
  await machine.run(['touch', '/srv/may-end/now']);
  const before = await scene.report();
  expect(before.sites.filter(({ state }) => state === 'awake')).toHaveLength(5);

  await machine.reboot();
  scene = await continueScene(machine);
  const { activator, sites } = await scene.report();
  expect(activator.state).toBe('stopped');
  expect(sites.map(({ name, state, wakes, error }) => ({ name, state, wakes, error }))).toEqual(before.sites.map(({ name, wakes }) => ({ name, state: 'dormant', wakes, error: null })));
  await askAll();
  expect((await ask(ports.writes, 'read /srv/kept')).result).toBe('by-the-site');
  // It may not shut its listener down any more: nothing needs to be mended, and the same program goes on serving.
  const from = await scene.mark();
  const { start } = await ask(ports.shuts, 'stop');
  expect((await ask(ports.shuts)).start).toBe(start);
  await scene.mark();
  expect(scene.journal.since(from, ({ text }) => text.startsWith('The program shut its listener down'))).toEqual([]);
});

test('a power cut with sites awake, and one in the middle of its stop', async () => {
  await askAll();
  await machine.run(['rm', '/srv/may-end/now']);
  const { start } = await ask(ports.slow);
  const from = await scene.mark();
  scene.product.run('sleep', '--force', 'slow').catch(() => {});
  await scene.printed('slow', `draining ${start}`, from);
  await machine.powerCut();
  await machine.boot();
  scene = await continueScene(machine);
  await askAll();
  expect((await ask(ports.writes, 'read /srv/kept')).result).toBe('by-the-site');
});

test('a power cut right after enable and disable: the one site is enabled, the other is not', async () => {
  await scene.write({ newest: tcpSite(plain, 8726) });
  await scene.product.run('enable', 'newest');
  // What has a name is on the disk from here on; what is in it is so only where somebody saw to it. (The site file is the user's.)
  await machine.run(['python3', '-c', 'import os; [os.fsync(os.open(path, os.O_RDONLY)) for path in ("/etc/wakesock/sites/newest.container", "/etc/hostname")]']);
  await scene.product.run('disable', 'usual');
  await machine.powerCut();
  await machine.boot();
  scene = await continueScene(machine);
  expect((await ask(8726)).said).toBe('hello');
  expect(await machine.run(['systemctl', 'show', '--property=LoadState', '--value', 'wakesock-site-usual.socket'])).toBe('not-found\n');
});
