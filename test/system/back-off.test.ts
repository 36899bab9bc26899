/** The back-off of a site that cannot start ends when what is wrong with it has been mended, and not only when it is over. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pollUntil, python, Scene, scopeUnit, service, siteFile, tcpSite } from '../support/scene.ts';
import { testBox } from '../support/test-box.ts';

const frontUnits = ['wakesock-front.socket', 'wakesock-front.service'];
const port = 8711;
const plain = tcpSite(`${python('plain.py')} 3000`, port);
const broken = tcpSite('/bin/false', port);
const inFront = (command: string): string => siteFile(command, { 'X-Wakesock': { Host: 'mended.example', Port: 3000 } });
const served = { said: 'hello' };
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.enable({ mended: broken, fronted: inFront('/bin/false') });
  await scene.box.run(['systemctl', 'start', 'wakesock-front.socket']);
});
afterAll(async () => {
  await scene.box.run(['systemctl', 'stop', ...frontUnits]);
  await scene.close();
});

const client = () => scene.clients.ask(`127.0.0.1:${port}`);
const curl = (path: string) => scene.box.run(['curl', '--silent', '--show-error', '--include', '--max-time', '20', '--header', 'Host: mended.example', `http://127.0.0.1${path}`]);

/** Until its clients are turned away for 4 s. */
async function failsOften(): Promise<void> {
  await scene.write({ mended: broken });
  const from = await scene.mark();
  await pollUntil('three failed starts', async () => {
    await scene.clients.turnedAway(`127.0.0.1:${port}`);
    return scene.journal.since(from, ({ text }) => text.startsWith('mended failed: ')).length >= 3;
  });
  expect(await scene.status('mended')).toMatchObject({ state: 'failed', error: { code: 'ERR_WAKESOCK_EXITED', retryAt: expect.any(String) } });
}

const stopMended = () => scene.product.run('sleep', '--force', 'mended');

describe('a site with a socket of its own', () => {
  test.each(['enable', 'prepare', 'apply'])('is served at once after `%s`', async (verb) => {
    await failsOften();
    await scene.write({ mended: plain });
    await scene.product.run(verb, 'mended');
    expect(await scene.status('mended')).toMatchObject({ state: 'dormant', error: null });
    expect(await client()).toMatchObject(served);
    await stopMended();
  });

  test('is woken at once by who asks for it by name, and by nobody else', async () => {
    await failsOften();
    await scene.write({ mended: plain });
    expect(await scene.product.exec('wake', 'mended')).toMatchObject({ code: 0, stderr: '' });
    expect(await client()).toMatchObject(served);
    await stopMended();
  });

  test('that fails again after it was mended badly begins with the shortest back-off', async () => {
    await failsOften();
    await scene.product.run('enable', 'mended');
    const [beforeMs] = [Date.now(), await scene.clients.turnedAway(`127.0.0.1:${port}`)];
    const { since, error } = await scene.status('mended');
    expect(Date.parse(since ?? '')).toBeGreaterThanOrEqual(beforeMs);
    expect(Date.parse(error?.retryAt ?? '') - Date.parse(since ?? '')).toBeLessThanOrEqual(1_000);
  });

  test('whose failure is known only to the disk, since no activator runs', async () => {
    await failsOften();
    await scene.box.run(['systemctl', 'stop', service]);
    expect(await scene.status('mended')).toMatchObject({ state: 'failed' });
    await scene.write({ mended: plain });
    await scene.product.run('enable', 'mended');
    expect(await scene.status('mended')).toMatchObject({ state: 'dormant', error: null });
    expect(await client()).toMatchObject(served);
    await stopMended();
  });

  test('while it is being started as it was: who waits is served by the next start', async () => {
    await scene.write({ mended: tcpSite('/bin/sleep infinity', port, { Service: { TimeoutStartSec: '5min' } }) });
    const from = await scene.mark();
    const waiting = scene.clients.open(`127.0.0.1:${port}`, 'hello\n');
    await pollUntil('its program to run', async () => (await scene.show(scopeUnit('mended'), 'ActiveState'))['ActiveState'] === 'active');
    await scene.write({ mended: plain });
    await scene.product.run('enable', 'mended');
    await scene.box.run(['systemctl', 'kill', '--signal=KILL', scopeUnit('mended')]);
    expect(await waiting.answer()).toMatchObject(served);
    expect(scene.journal.since(from, ({ text }) => text.startsWith('mended failed: '))).toEqual([]);
    waiting.close();
    await stopMended();
  });
});

test('a site of the front door: 502 with Retry-After ends, and so does what monitors are told', async () => {
  const failed = await curl('/');
  expect(failed).toMatch(/^HTTP\/1\.1 502 /);
  expect(failed).toMatch(/^Retry-After: \d+\r$/m);
  expect(await curl('/.well-known/wakesock')).toMatch(/^HTTP\/1\.1 503 /);
  await scene.write({ fronted: inFront(python('http_all.py')) });
  await scene.product.run('enable', 'fronted');
  expect(await curl('/.well-known/wakesock')).toMatch(/^HTTP\/1\.1 200 .*[^]*"state":"dormant"/);
  expect(await curl('/')).toMatch(/^HTTP\/1\.1 200 /);
});

test('how far a start came that failed is in its status', async () => {
  await scene.write({ mended: tcpSite('/bin/sleep infinity', port, { Service: { TimeoutStartSec: '1s' } }) });
  await scene.clients.turnedAway(`127.0.0.1:${port}`);
  const { lastWake, error } = await scene.status('mended');
  expect(error?.code).toBe('ERR_WAKESOCK_START_TIMEOUT');
  expect(lastWake?.phasesMs).toMatchObject({ process: expect.any(Number), scope: expect.any(Number), go: expect.any(Number), listen: null, total: null, failed: expect.any(Number) });
  expect(lastWake?.phasesMs.failed).toBeGreaterThanOrEqual(1_000);
  expect(await scene.product.run('status', 'mended')).toMatch(/last wake   failed, [^]*process [^]*, go .*, failed .*[^]*error +.*TimeoutStartSec=/);
  await scene.write({ mended: plain });
  await scene.product.run('enable', 'mended');
});
