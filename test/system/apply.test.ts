/** `wakesock apply`: what an awake site is given without a restart, read back from systemd. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AppliedSite } from '../../src/cli/apply-sites.ts';
import { installMutant, removeMutant } from '../support/mutant.ts';
import { testBox } from '../support/test-box.ts';
import { pollUntil, python, Scene, scopeUnit, service, tcpSite, type SiteKeys } from '../support/scene.ts';

const plain = `${python('plain.py')} 3000`;
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox(), '5s');
});
afterAll(() => scene.close());

const site = (port: number, limits: SiteKeys['Service'], keys: SiteKeys = {}, command = plain): string => tcpSite(command, port, { ...keys, Service: limits ?? {} });
const slowToEnd = (limits: SiteKeys['Service']): string => site(8610, limits, {}, `${python('slow_end.py')} /may-end/now`).replace('Volume=', 'Volume=/run/may-end:/may-end\nVolume=');
const ask = (port: number, say = 'hello') => scene.clients.ask(`127.0.0.1:${port}`, say);

async function apply(...names: string[]): Promise<AppliedSite[]> {
  return (JSON.parse((await scene.product.exec('apply', '--json', ...names)).stdout) as { sites: AppliedSite[] }).sites;
}

async function applied(name: string): Promise<AppliedSite> {
  const [found] = await apply(name);
  if (found === undefined) throw new Error(`apply said nothing of ${name}`);
  expect(found.error).toBeNull();
  return found;
}

test('limits of an awake site: set, changed, taken away; its program and its client notice nothing', async () => {
  const limits = ['MemoryMax', 'MemoryLow', 'TasksMax', 'CPUWeight', 'CPUQuotaPerSecUSec', 'CPUQuotaPeriodUSec', 'AllowedCPUs', 'IOWeight', 'IOWriteBandwidthMax', 'IODeviceLatencyTargetUSec', 'ManagedOOMPreference'];
  await scene.enable({ limited: site(8601, { MemoryMax: '128M', TasksMax: 50, IOWriteBandwidthMax: ['/dev/null 1M', '/dev/zero 2M'] }) });
  const client = scene.clients.open('127.0.0.1:8601', 'hello\n');
  const { start } = await client.answer();
  const untouched = await scene.show('wakesock-site-nobody.scope', ...limits);
  expect(await applied('limited')).toMatchObject({ awake: true, changed: [], nextWake: [], enable: [] });

  await scene.write({ limited: site(8601, {
    MemoryMax: '64M', MemoryLow: '1M', CPUWeight: 20, CPUQuota: '50%', CPUQuotaPeriodSec: '10ms', AllowedCPUs: '0', IOWeight: 7, IOWriteBandwidthMax: '/dev/zero 3M',
    IODeviceLatencyTargetSec: '/dev/null 5ms', ManagedOOMPreference: 'avoid',
  }, { Container: { Environment: 'A=b' }, 'X-Wakesock': { IdleSec: '4min' } }) });
  const second = await applied('limited');
  expect(second.changed).toEqual(expect.arrayContaining([
    { key: 'MemoryMax', from: '134217728', to: '67108864' }, { key: 'TasksMax', from: '50', to: 'default' }, { key: 'CPUWeight', from: 'default', to: '20' },
    { key: 'CPUQuota', from: 'default', to: '50%' }, { key: 'AllowedCPUs', from: 'default', to: '0' },
    { key: 'IOWriteBandwidthMax', from: '/dev/null 1000000, /dev/zero 2000000', to: '/dev/zero 3000000' },
  ]));
  expect(second).toMatchObject({ nextWake: ['IdleSec=', 'Environment='], enable: [] });
  const shown = await scene.show(scopeUnit('limited'), ...limits);
  expect(shown).toEqual({
    MemoryMax: '67108864', MemoryLow: '1048576', TasksMax: untouched['TasksMax'], CPUWeight: '20', CPUQuotaPerSecUSec: '500ms', CPUQuotaPeriodUSec: '10ms', AllowedCPUs: '0', IOWeight: '7',
    IOWriteBandwidthMax: '/dev/zero 3000000', IODeviceLatencyTargetUSec: '/dev/null 5ms', ManagedOOMPreference: 'avoid',
  });
  // `enable` of any other site has systemd read its files again.
  await scene.box.run(['systemctl', 'daemon-reload']);
  expect(await scene.show(scopeUnit('limited'), ...limits)).toEqual(shown);

  await scene.write({ limited: site(8601, {}) });
  await applied('limited');
  expect(await scene.show(scopeUnit('limited'), ...limits)).toEqual(untouched);
  expect((await client.ask('still')).start).toBe(start);
  client.close();
});

test('a share and an amount of one limit take turns, and a daemon-reload brings none back', async () => {
  await scene.enable({ shares: site(8602, {}) });
  await ask(8602);
  for (const [value, expected] of [['50%', undefined], ['32M', '33554432'], ['infinity', 'infinity']] as const) {
    await scene.write({ shares: site(8602, { MemoryMax: value }) });
    await applied('shares');
    await scene.box.run(['systemctl', 'daemon-reload']);
    const { MemoryMax: found } = await scene.show(scopeUnit('shares'), 'MemoryMax');
    if (expected === undefined) expect(Number(found)).toBeGreaterThan(2 ** 26);
    else expect(found).toBe(expected);
  }
});

test('nothing of it is left for the next scope of the name', async () => {
  await scene.enable({ again: site(8603, { TasksMax: 40 }) });
  await ask(8603);
  await scene.write({ again: site(8603, { TasksMax: 30, MemoryMax: '64M' }) });
  await applied('again');
  await scene.product.run('sleep', 'again');
  await scene.write({ again: site(8603, { TasksMax: 20 }) });
  await ask(8603);
  expect(await scene.show(scopeUnit('again'), 'TasksMax', 'MemoryMax', 'DropInPaths')).toEqual({ TasksMax: '20', MemoryMax: 'infinity', DropInPaths: '' });
});

test('a file with an error changes nothing; other sites of the call are applied', async () => {
  await scene.enable({ wrong: site(8604, { TasksMax: 40 }), right: site(8605, { TasksMax: 40 }) });
  await Promise.all([ask(8604), ask(8605)]);
  await scene.write({ wrong: site(8604, { TasksMax: 30, MemoryMax: 'much' }), right: site(8605, { TasksMax: 30 }) });
  const { code, stderr, stdout } = await scene.product.exec('apply', 'wrong', 'right', 'nowhere');
  expect(code).toBe(1);
  expect(stderr).toMatch(/wrong\.container:\d+: MemoryMax=: .*ERR_WAKESOCK_SITE_FILE/);
  expect(stderr).toMatch(/nowhere.*ERR_WAKESOCK_NOT_ENABLED/);
  expect(stdout).toMatch(/^right {2}TasksMax= from 40 to 30$/m);
  expect(await scene.show(scopeUnit('wrong'), 'TasksMax')).toEqual({ TasksMax: '40' });
  expect(await scene.show(scopeUnit('right'), 'TasksMax')).toEqual({ TasksMax: '30' });
});

test('a site that sleeps is left asleep', async () => {
  await scene.enable({ sleeper: site(8606, {}) });
  await scene.write({ sleeper: site(8606, { TasksMax: 30 }, { 'X-Wakesock': { ListenStream: 8616 } }) });
  expect(await applied('sleeper')).toMatchObject({ awake: false, changed: [], nextWake: [], enable: ['ListenStream='] });
  expect(await scene.status('sleeper')).toMatchObject({ state: 'dormant', wakes: 0 });
  await ask(8606);
  expect(await scene.show(scopeUnit('sleeper'), 'TasksMax')).toEqual({ TasksMax: '30' });
});

test('an instance, by a drop-in of its own', async () => {
  await scene.box.writeFile('/etc/wakesock/sites/shop@.container', site(8607, { TasksMax: 40 }).replace('8607', '%i'));
  await scene.product.run('enable', 'shop@8607', 'shop@8608');
  await Promise.all([ask(8607), ask(8608)]);
  await scene.box.writeFile('/etc/wakesock/sites/shop@8607.container.d/more.conf', '[Service]\nTasksMax=60\n');
  expect((await apply('shop@8607', 'shop@8608')).map(({ changed }) => changed)).toEqual([[{ key: 'TasksMax', from: '40', to: '60' }], []]);
  expect(await scene.show('wakesock-site-shop:8607.scope', 'TasksMax')).toEqual({ TasksMax: '60' });
  await scene.product.run('disable', 'shop@8607', 'shop@8608');
  await scene.box.run(['rm', '-r', '/etc/wakesock/sites/shop@.container', '/etc/wakesock/sites/shop@8607.container.d']);
});

describe('in between', () => {
  test('a site on its way up has the new limits when it is awake, though it was begun with the old ones', async () => {
    await scene.enable({ starting: site(8609, { TasksMax: 40 }) });
    // What was prepared has been read, and no scope is there.
    const readAndNotUsed = 'const secrets = await wakeSecrets(prepared, paths, signal);';
    await installMutant(scene.box, '5s', { find: readAndNotUsed, replace: `while (require('node:fs').existsSync('/run/hold-start')) await new Promise((go) => setTimeout(go, 10)); ${readAndNotUsed}` });
    try {
      await scene.box.run(['touch', '/run/hold-start']);
      const client = scene.clients.open('127.0.0.1:8609', 'hello\n');
      await pollUntil('starting to be on its way', async () => (await scene.status('starting')).state === 'waking');
      await scene.write({ starting: site(8609, { TasksMax: 30 }) });
      const applying = applied('starting');
      await pollUntil('what apply prepares', async () => (await scene.box.readFile('/var/lib/wakesock/sites/starting/site.json')).includes('"30"'));
      await scene.box.run(['rm', '/run/hold-start']);
      await client.answer();
      expect(await applying).toMatchObject({ awake: true, changed: [{ key: 'TasksMax', from: '40', to: '30' }] });
      expect(await scene.show(scopeUnit('starting'), 'TasksMax')).toEqual({ TasksMax: '30' });
      client.close();
    } finally {
      await removeMutant(scene.box);
    }
  });

  test('a site on its way down: its next wake has the new limits', async () => {
    await scene.box.run(['mkdir', '-p', '/run/may-end']);
    await scene.enable({ stopping: slowToEnd({ TasksMax: 40 }) });
    const { start } = await ask(8610);
    const from = await scene.mark();
    const sleeping = scene.product.run('sleep', '--force', 'stopping');
    await scene.printed('stopping', `draining ${start}`, from);
    await scene.write({ stopping: slowToEnd({ TasksMax: 30 }) });
    await applied('stopping');
    await scene.box.run(['touch', '/run/may-end/now']);
    await sleeping;
    await ask(8610);
    expect(await scene.show(scopeUnit('stopping'), 'TasksMax')).toEqual({ TasksMax: '30' });
  });

  test('no activator is needed, and none is started', async () => {
    await scene.enable({ alone: site(8611, { TasksMax: 40 }) });
    const { start } = await ask(8611);
    await scene.box.run(['systemctl', 'stop', 'wakesock.socket', service]);
    try {
      await scene.write({ alone: site(8611, { TasksMax: 30 }) });
      expect(await applied('alone')).toMatchObject({ awake: true, changed: [{ key: 'TasksMax', from: '40', to: '30' }] });
      expect(await scene.show(service, 'ActiveState')).toEqual({ ActiveState: 'inactive' });
    } finally {
      await scene.box.run(['systemctl', 'start', 'wakesock.socket']);
    }
    expect((await ask(8611)).start).toBe(start);
  });
});

test('limits that hold nobody, since a controller is missing, are told in one line by whoever prepares the site, and by check', async () => {
  const controllers = (await scene.box.readFile('/sys/fs/cgroup/cgroup.controllers')).trim().split(' ');
  const missing = ['memory', 'pids'].filter((name) => !controllers.includes(name));
  await scene.write({ told: site(8612, { MemoryMax: '64M', MemoryHigh: '32M', TasksMax: 20 }) });
  const said = async (...args: string[]): Promise<string[]> => {
    const { stdout, stderr } = await scene.product.exec(...args, 'told');
    return `${stdout}${stderr}`.split('\n').filter((line) => line.includes('no effect'));
  };
  const expected = missing.length === 0 ? [] : [expect.stringMatching(missing.includes('memory') ? /MemoryHigh=, MemoryMax= and TasksMax= have no effect/ : /TasksMax= has no effect/)];
  for (const verb of ['check', 'enable', 'prepare', 'apply']) expect(await said(verb), verb).toEqual(expected);
  const from = await scene.mark();
  await ask(8612);
  await scene.mark();
  expect(scene.journal.since(from, ({ text }) => text.includes('no effect'))).toEqual([]);
});
