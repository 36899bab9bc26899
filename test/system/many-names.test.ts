/** What the next activator is to be given has names, and all of them must fit into one environment variable. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listenFdNamesBytesMax } from '../../src/base/limits.ts';
import { python, Scene, service, tcpSite } from '../support/scene.ts';
import { testBox } from '../support/test-box.ts';

/** As long as a site's name may be: no site, only its sockets. */
const filler = 'f'.repeat(128);
const filling = ['filling.socket', 'filling-rest.socket'];
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox(), '5s');
});
afterAll(async () => {
  await scene.box.run(['systemctl', 'stop', ...filling]);
  await scene.box.run(['rm', ...filling.map((unit) => `/etc/systemd/system/${unit}`)]);
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.close();
});

function unit(name: string, paths: readonly string[]): string {
  return ['[Socket]', `Service=${service}`, `FileDescriptorName=${name}`, ...paths.map((path) => `ListenStream=${path}`), ''].join('\n');
}

/** Socket units of somebody's own that leave so many bytes for other names. */
async function fill(bytesLeft: number, ...others: readonly string[]): Promise<void> {
  const bytes = listenFdNamesBytesMax - bytesLeft - others.reduce((sum, name) => sum + name.length + 1, 0);
  const count = Math.floor(bytes / (filler.length + 1));
  // One with a shorter name takes the rest.
  const rest = bytes - count * (filler.length + 1);
  await scene.box.writeFile('/etc/systemd/system/filling.socket', unit(filler, Array.from({ length: count }, (_, index) => `/run/filling/${index}`)));
  await scene.box.writeFile('/etc/systemd/system/filling-rest.socket', unit('r'.repeat(Math.max(1, rest - 1)), ['/run/filling/rest']));
  await scene.box.run(['systemctl', 'daemon-reload']);
}

test('sites that are awake do not keep the next activator from starting; those for which there is no room are not left half alive', async () => {
  await scene.enable({ first: tcpSite(`${python('plain.py')} 3000`, 8651), second: tcpSite(`${python('plain.py')} 3000`, 8652) });
  const kept = ['notify=first', 'stdout=first', 'stderr=first'];
  await fill('notify=second'.length, 'control', 'control=lease', 'first', 'second', ...kept);
  await scene.box.run(['systemctl', 'stop', service]);
  await scene.box.run(['systemctl', 'start', ...filling]);
  const ask = (port: number) => scene.clients.ask(`127.0.0.1:${port}`);
  const from = await scene.mark();
  const { start } = await ask(8651);
  await ask(8652);
  await scene.journal.until(({ unit, fields }) => unit === service && fields['code'] === 'ERR_WAKESOCK_LIMIT' && fields['site'] === 'second', { from, what: 'what there is no room for' });
  const killed = await scene.mark();
  await scene.killActivator();
  await scene.nextActivator(killed);
  expect((await ask(8651)).start).toBe(start);
  // The other has been ended, and wakes as ever.
  await scene.inState('second', 'dormant', killed);
  expect((await ask(8652)).said).toBe('hello');
});
