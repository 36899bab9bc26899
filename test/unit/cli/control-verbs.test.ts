import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import { siteStatus } from '../control/fake-backend.ts';
import { start, temporaryDirectory } from '../control/fake.ts';
import { FakeContext, wakesock } from './fake-context.ts';

const phasesMs = { process: 3.54, scope: null, go: 19.71, listen: 24.12, total: 24.12 };

test('wake tells the time by phase', async () => {
  const { path, backend } = await start();
  backend.wakeResult = async () => siteStatus({ state: 'awake', lastWake: { at: '9999-01-01T00:00:00.000Z', by: 'cli', phasesMs } });
  expect(await wakesock(['wake', `--control=${path}`, 'blog'])).toEqual({
    code: 0, out: 'blog  awake  24.1 ms  (process 3.5 ms, go 19.7 ms, listen 24.1 ms)\n', err: '',
  });
  expect(backend.calls).toEqual(['wake blog by cli']);
});

test('wake of a site that is awake says so', async () => {
  const { path, backend } = await start();
  backend.wakeResult = async () => siteStatus({ state: 'awake', lastWake: { at: '2026-01-01T00:00:00.000Z', by: 'socket', phasesMs } });
  expect((await wakesock(['wake', `--control=${path}`, 'blog'])).out).toBe('blog  awake  already\n');
});

test('sites are woken in parallel, each once, and one that fails takes none with it', async () => {
  const { path, backend } = await start();
  const { code, out, err } = await wakesock(['wake', `--control=${path}`, 'shop', 'blog', 'blog']);
  expect({ code, out }).toEqual({ code: 1, out: 'blog  awake  already\n' });
  expect(err).toBe('wakesock: shop: No site is called shop (ERR_WAKESOCK_SITE_NOT_FOUND)\n');
  expect(backend.calls).toEqual(['wake blog by cli']);
});

test('--json keeps the order of the command line, and has errors in it', async () => {
  const { path } = await start();
  const { code, out } = await wakesock(['wake', '--json', `--control=${path}`, 'shop', 'blog']);
  expect(code).toBe(1);
  expect(JSON.parse(out)).toEqual({ sites: [
    { name: 'shop', error: { code: 'ERR_WAKESOCK_SITE_NOT_FOUND', message: 'No site is called shop' } },
    siteStatus({ state: 'awake' }),
  ] });
});

test('sleep leaves a site in use alone, but for --force', async () => {
  const { path, backend, client } = await start();
  await client.lease('blog');
  const refused = await wakesock(['sleep', `--control=${path}`, 'blog']);
  expect(refused).toEqual({ code: 1, out: '', err: 'wakesock: blog: blog has a lease (ERR_WAKESOCK_BUSY)\n' });
  expect(await wakesock(['sleep', '--force', `--control=${path}`, 'blog'])).toEqual({ code: 0, out: 'blog  dormant\n', err: '' });
  expect(backend.calls).toEqual(['sleep blog', 'sleep blog by force']);
});

test('nobody listens', async () => {
  const path = join(await temporaryDirectory(), 'control.sock');
  const { code, err } = await wakesock(['wake', `--control=${path}`, 'blog']);
  expect(code).toBe(1);
  expect(err).toContain('(ERR_WAKESOCK_NOT_RUNNING)');
});

test('our own bug is not taken for a site\'s failure', async () => {
  const { path, backend } = await start();
  backend.wakeResult = async () => { throw new WakesockError('ERR_WAKESOCK_EXITED', 'exit status 1'); };
  expect((await wakesock(['wake', `--control=${path}`, 'blog'])).code).toBe(1);
  const context = new FakeContext();
  context.stdout.write = () => { throw new TypeError('bug'); };
  backend.wakeResult = async () => siteStatus();
  expect((await wakesock(['wake', `--control=${path}`, 'blog'], context)).code).toBe(70);
});
