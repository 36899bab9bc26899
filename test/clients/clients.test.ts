/** Clients that others have written, at the front door of a site that sleeps: a browser, and the HTTP clients of Java and Go. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { programs } from '../support/product.ts';
import { python, Scene, tcpSite } from '../support/scene.ts';
import { testBox } from '../support/test-box.ts';

const front = 'wakesock-front.service';
const frontSocket = 'wakesock-front.socket';
const gate = '/tmp/clients-gate';
const here = fileURLToPath(new URL('.', import.meta.url));
const sha256 = createHash('sha256').update(Buffer.alloc(5_000_000, 7)).digest('hex');
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.box.writeFile(`/etc/systemd/system/${front}.d/test.conf`, [
    '[Service]', 'ExecStart=', `ExecStart=${scene.product.command('front', '--exit-idle-time=1s').join(' ').replace('node', process.execPath)}`, '',
  ].join('\n'));
  await scene.box.run(['mkdir', '-p', gate]);
  await scene.enable({
    gated: tcpSite(`${python('http_all.py')} /gate/start`, 8701, { Container: { Volume: [`${programs}:/programs:ro`, `${gate}:/gate`] }, 'X-Wakesock': { Host: 'gated.example', WaitPageAfterSec: '500ms' } }),
    // However busy the machine is, it is there in time.
    plain: tcpSite(python('http_all.py'), 8702, { 'X-Wakesock': { Host: 'plain.example', WaitPageAfterSec: '30s' } }),
  });
  await scene.box.run(['sh', '-c', 'grep -q plain.example /etc/hosts || echo 127.0.0.1 plain.example >> /etc/hosts']);
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.box.run(['systemctl', 'start', frontSocket]);
});
afterAll(async () => {
  await scene.box.run(['systemctl', 'stop', frontSocket, front]);
  await scene.box.run(['rm', '-rf', `/etc/systemd/system/${front}.d`, gate]);
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.close();
});

interface Seen {
  readonly pages: readonly { readonly status?: number; readonly cacheControl?: string | null; readonly complaint?: string }[];
  readonly outcome: unknown;
}

const browse = async (url: string): Promise<Seen> => JSON.parse(await scene.box.run([process.execPath, join(here, 'browser.mjs'), url, `${gate}/start`], { timeoutMs: 100_000 })) as Seen;
const whole = { images: 30, echo: 'hello', events: '0 1 2', upload: sha256, download: 5_000_192 };

test('a browser is shown the waiting page, which opens the site by itself; thirty images, a WebSocket, an event stream, an upload, a download', async () => {
  const { pages, outcome } = await browse('http://gated.example/page');
  expect(outcome).toEqual(whole);
  expect(pages.at(0)).toEqual({ status: 503, cacheControl: 'no-store' });
  expect(pages.at(-1)?.status).toBe(200);
  // Nothing that its policy would forbid.
  expect(pages.filter(({ complaint }) => complaint !== undefined)).toEqual([]);
});

test('a browser is shown the page at once where the site wakes in time', async () => {
  await scene.product.run('sleep', '--force', 'plain');
  const { pages, outcome } = await browse('http://plain.example/page');
  expect(outcome).toEqual(whole);
  expect(pages).toEqual([{ status: 200, cacheControl: null }]);
});

test('Java\'s client: requests on one connection, an upload in chunks, a download, a WebSocket', async () => {
  await scene.product.run('sleep', '--force', 'plain');
  const said = await scene.box.run(['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', join(here, 'Client.java'), 'plain.example'], { timeoutMs: 100_000 });
  expect(said.trim().split('\n')).toEqual([...Array.from({ length: 3 }, () => 'get 200 HTTP_1_1 true'), 'connections 1', 'post true', 'big 5000192', 'connections 1', 'websocket hello']);
});

test('Go\'s client: twenty requests while the site sleeps, then one connection for requests, an upload in chunks that waits to be asked for, a download; a WebSocket', async () => {
  await scene.box.run(['env', 'GO111MODULE=off', 'CGO_ENABLED=0', 'GOCACHE=/tmp/go-cache', 'go', 'build', '-o', '/tmp/go-client', join(here, 'client.go')], { timeoutMs: 100_000 });
  await scene.product.run('sleep', '--force', 'plain');
  const { wakes } = await scene.status('plain');
  const said = await scene.box.run(['/tmp/go-client', 'plain.example'], { timeoutMs: 100_000 });
  expect(said.trim().split('\n')).toEqual(['at once 20', 'post true', 'big 5000192', 'connections 1', 'websocket hello']);
  expect((await scene.status('plain')).wakes).toBe(wakes + 1);
}, 200_000);
