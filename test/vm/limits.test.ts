/** Limits that bite: a kernel with every controller, which the test box does not have. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programs } from '../support/product.ts';
import { pollUntil, python, type Scene, scopeUnit, tcpSite, type SiteKeys } from '../support/scene.ts';
import { bootInstalled, openScene } from '../support/virtual-machine.ts';
import type { VirtualMachine } from './machine/machine.ts';

let machine: VirtualMachine;
let scene: Scene;

beforeAll(async () => {
  machine = await bootInstalled();
  scene = await openScene(machine);
});
afterAll(async () => {
  await machine.stop();
});

const consumer = (port: number, limits: SiteKeys['Service'] = {}): string => tcpSite(python('consumes.py'), port, { Service: limits });
const ask = (port: number, say = 'hello') => scene.clients.ask(`127.0.0.1:${port}`, say);
const cgroup = (site: string, file: string): Promise<string> => machine.readFile(`/sys/fs/cgroup/wakesock.slice/${scopeUnit(site)}/${file}`);
/** A figure of all at one time: of `KEY VALUE` lines, or of a disk's `KEY=VALUE`. */
async function figure(file: string, key: string, ...sites: readonly string[]): Promise<number[]> {
  const text = await machine.run(['cat', ...sites.map((site) => `/sys/fs/cgroup/wakesock.slice/${scopeUnit(site)}/${file}`)]);
  return [...text.matchAll(new RegExp(`\\b${key}[ =](\\d+)`, 'g'))].map(([, value]) => Number(value));
}
/** With a directory on the machine's disk. */
const onDisk = (port: number, limits: SiteKeys['Service'] = {}): string => tcpSite(python('consumes.py'), port, { Service: limits, Container: { Volume: [`${programs}:/programs:ro`, `/srv/${port}:/data`] } });

test('the controllers are there, and nobody is told otherwise', async () => {
  expect((await machine.readFile('/sys/fs/cgroup/cgroup.controllers')).split(' ')).toEqual(expect.arrayContaining(['cpuset', 'cpu', 'io', 'memory', 'pids']));
  await scene.write({ told: consumer(8701, { MemoryMax: '64M', CPUWeight: 20, AllowedCPUs: 0, IOWeight: 20, TasksMax: 20 }) });
  const { stdout, stderr } = await scene.product.exec('enable', 'told');
  expect({ stdout, stderr }).toEqual({ stdout: 'told  sleeps at 0.0.0.0:8701\n', stderr: '' });
});

describe('MemoryMax=', () => {
  test('a program that wants more is killed within its scope; its next client wakes it again, and nobody else notices', async () => {
    await scene.enable({ greedy: consumer(8702, { MemoryMax: '64M', MemorySwapMax: 0 }), neighbour: consumer(8703) });
    const neighbour = scene.clients.open('127.0.0.1:8703', 'hello\n');
    const { start: neighbourStart } = await neighbour.answer();
    const { start } = await ask(8702, 'allocate 20');
    const from = await scene.mark();
    await expect(ask(8702, 'allocate 200')).rejects.toThrow('the connection ended');
    await scene.inState('greedy', 'dormant', from);
    const again = await ask(8702, 'allocate 20');
    expect(again).toMatchObject({ result: 'allocated' });
    expect(again.start).not.toBe(start);
    const { oomKills } = await scene.status('greedy');
    expect(oomKills).toEqual({ count: 1, lastAt: expect.any(String) });
    expect(await scene.product.run('status', 'greedy')).toContain(`OOM kills   1, the last ${oomKills?.lastAt}\n`);
    expect(scene.journal.since(from, ({ text }) => text === 'greedy: the kernel killed a process of it for want of memory')).toHaveLength(1);
    expect((await neighbour.ask('still')).start).toBe(neighbourStart);
    neighbour.close();
  });

  test('a worker that wants more is killed alone', async () => {
    await scene.enable({ workers: consumer(8704, { MemoryMax: '64M', MemorySwapMax: 0 }) });
    const { start } = await ask(8704);
    expect(await ask(8704, 'allocate-apart 200')).toMatchObject({ start, result: 'SIGKILL' });
    expect(await scene.status('workers')).toMatchObject({ state: 'awake', oomKills: { count: 1 } });
    expect((await scene.status('neighbour')).oomKills).toBeNull();
  });

  test('one that is killed before it listens: the error says why', async () => {
    await scene.enable({ never: tcpSite(`/usr/bin/python3 -c "held = bytearray(b'x') * (200 << 20)"`, 8713, { Service: { MemoryMax: '32M', MemorySwapMax: 0 } }) });
    await scene.expectFailed('never', 'ERR_WAKESOCK_EXITED', '127.0.0.1:8713', /before it listened: the kernel killed it, or a process of it, for want of memory/);
  });
});

test('TasksMax=: who forks without end gets EAGAIN, others fork on, and the site can be stopped', async () => {
  await scene.enable({ forks: consumer(8705, { TasksMax: 16 }), other: consumer(8706) });
  const { result: [made, why] } = await ask(8705, 'fork 1000') as unknown as { result: [number, string] };
  expect(why).toBe('EAGAIN');
  expect(made).toBeLessThan(16);
  expect(Number(await cgroup('forks', 'pids.current'))).toBeLessThanOrEqual(16);
  expect((await ask(8706, 'fork 30')).result).toEqual([30, null]);
  const from = await scene.mark();
  await scene.product.run('sleep', '--force', 'forks', 'other');
  await scene.journal.until(({ text }) => text === `${scopeUnit('forks')}: Deactivated successfully.`, { from, what: 'the end of its scope' });
  expect(await machine.exec(['ls', `/sys/fs/cgroup/wakesock.slice/${scopeUnit('forks')}`])).toMatchObject({ code: 2 });
  expect(await scene.status('forks')).toMatchObject({ state: 'dormant', memoryBytes: null, cpuUsec: null });
});

/** What both have had over one time: from now until the second has done `rounds` of its work. */
async function share(file: string, key: string, sites: readonly [string, string], port: number, rounds: number): Promise<number> {
  const before = await figure(file, key, ...sites);
  await ask(port, `worked ${rounds}`);
  const after = await figure(file, key, ...sites);
  const [first = 0, second = 0] = after.map((value, index) => value - (before[index] ?? 0));
  return first / second;
}

describe('CPU', () => {
  test('CPUWeight=: two busy sites share one CPU as told, and as told anew by apply', async () => {
    await scene.enable({ heavy: consumer(8707, { CPUWeight: 80, AllowedCPUs: 0 }), light: consumer(8708, { CPUWeight: 20, AllowedCPUs: 0 }) });
    await Promise.all([ask(8707, 'spin'), ask(8708, 'spin')]);
    const asTold = await share('cpu.stat', 'usage_usec', ['heavy', 'light'], 8708, 20);
    await scene.write({ heavy: consumer(8707, { CPUWeight: 20, AllowedCPUs: 0 }) });
    expect(await scene.product.run('apply', 'heavy')).toContain('CPUWeight= from 80 to 20');
    const asToldAnew = await share('cpu.stat', 'usage_usec', ['heavy', 'light'], 8708, 20);
    expect(asTold).toBeGreaterThan(3);
    expect(asTold).toBeLessThan(5.3);
    expect(asToldAnew).toBeGreaterThan(0.7);
    expect(asToldAnew).toBeLessThan(1.4);
    await scene.product.run('sleep', '--force', 'heavy', 'light');
  });

  test('CPUQuota=: a busy site is given its part of each period; with apply it is not held back any more', async () => {
    await scene.enable({ bounded: consumer(8709, { CPUQuota: '10%', CPUWeight: 100 }) });
    await ask(8709, 'spin');
    /** While it does its work some times: the time it had, the tenths of a second in which it wanted some, and those in which it was held back. */
    const working = async (): Promise<{ usedUsec: number; periods: number; throttled: number }> => {
      const read = async (): Promise<number[]> => (await Promise.all(['usage_usec', 'nr_periods', 'nr_throttled'].map((key) => figure('cpu.stat', key, 'bounded')))).map(([value = 0]) => value);
      // Read last here, and first there.
      const [, periodsBefore = 0, throttledBefore = 0] = await read();
      const [usedBefore = 0] = await figure('cpu.stat', 'usage_usec', 'bounded');
      await ask(8709, 'worked 8');
      const [used = 0] = await figure('cpu.stat', 'usage_usec', 'bounded');
      const [, periods = 0, throttled = 0] = await read();
      return { usedUsec: used - usedBefore, periods: periods - periodsBefore, throttled: throttled - throttledBefore };
    };
    const bounded = await working();
    expect(bounded.throttled).toBeGreaterThan(0);
    expect(bounded.usedUsec).toBeGreaterThan(0);
    // 10 ms of each; what it takes beyond in one (the kernel looks 250 times a second), it is not given in the next.
    expect(bounded.usedUsec).toBeLessThan((bounded.periods + 3) * 10_000);
    // With a weight the controller stays.
    await scene.write({ bounded: consumer(8709, { CPUWeight: 100 }) });
    expect(await scene.product.run('apply', 'bounded')).toContain('CPUQuota= from 10% to default');
    expect(await cgroup('bounded', 'cpu.max')).toBe('max 100000\n');
    const unbounded = await working();
    expect(unbounded.throttled).toBe(0);
    expect(unbounded.usedUsec).toBeGreaterThan(0);
    await scene.product.run('sleep', '--force', 'bounded');
  });
});

test('MemoryHigh=: memory is taken back from a site above it, which goes on; with apply it may keep it', async () => {
  await machine.run(['mkdir', '-p', '/srv/8714']);
  await scene.enable({ squeezed: onDisk(8714, { MemoryHigh: '32M', MemoryMax: '1G' }) });
  const { start } = await ask(8714, 'cache 8');
  expect(await figure('memory.events', 'high', 'squeezed')).toEqual([0]);
  expect(await ask(8714, 'cache 64')).toMatchObject({ start, result: 'cached' });
  expect((await figure('memory.events', 'high', 'squeezed'))[0]).toBeGreaterThan(0);
  expect(Number(await cgroup('squeezed', 'memory.current')) / 2 ** 20).toBeLessThan(48);
  await scene.write({ squeezed: onDisk(8714, { MemoryMax: '1G' }) });
  expect(await scene.product.run('apply', 'squeezed')).toContain('MemoryHigh= from 33554432 to default');
  expect(await ask(8714, 'cache 64')).toMatchObject({ start, result: 'cached' });
  expect(Number(await cgroup('squeezed', 'memory.current')) / 2 ** 20).toBeGreaterThan(64);
  await scene.product.run('sleep', '--force', 'squeezed');
});

test('IOReadBandwidthMax=, IOWriteBandwidthMax=: a site that only transfers gets so much, and with apply as much as any', async () => {
  const pairs = [
    { key: 'IOReadBandwidthMax', direction: 'read', bytes: 'rbytes', sites: ['reads-bounded', 'reads'], ports: [8715, 8716] },
    { key: 'IOWriteBandwidthMax', direction: 'write', bytes: 'wbytes', sites: ['writes-bounded', 'writes'], ports: [8717, 8718] },
  ] as const;
  const shares = async (): Promise<number[]> => {
    const found: number[] = [];
    for (const { bytes, sites, ports } of pairs) found.push(await share('io.stat', bytes, sites, ports[1], 150));
    return found;
  };
  await machine.run(['mkdir', '-p', ...pairs.flatMap(({ ports }) => ports.map((port) => `/srv/${port}`))]);
  await scene.enable(Object.fromEntries(pairs.flatMap(({ key, sites, ports }) => [[sites[0], onDisk(ports[0], { [key]: '/dev/vda 32K' })], [sites[1], onDisk(ports[1])]])));
  await Promise.all(pairs.flatMap(({ direction, ports }) => ports.map((port) => ask(port, `transfer ${direction}`))));
  const asTold = await shares();
  await scene.write(Object.fromEntries(pairs.map(({ sites, ports }) => [sites[0], onDisk(ports[0], { IOWeight: 30 })])));
  const told = await scene.product.run('apply', ...pairs.map(({ sites }) => sites[0]));
  for (const { key, sites } of pairs) {
    expect(told).toContain(`${key}= from /dev/vda 32000 to default`);
    expect(await scene.show(scopeUnit(sites[0]), 'IOWeight')).toEqual({ IOWeight: '30' });
  }
  for (const found of asTold) expect(found).toBeLessThan(0.2);
  // What was held back by the limit comes first, and the machine's disk is shared with whatever else its host does.
  let asToldAnew: number[] = [];
  await pollUntil('both to transfer as much as any', async () => (asToldAnew = await shares()).every((found) => found > 0.3), 60_000).catch((error: unknown) => { throw new Error(`${String(error)}: ${asToldAnew.join(', ')}`); });
  await scene.product.run('sleep', '--force', ...pairs.flatMap(({ sites }) => sites));
});

describe('apply', () => {
  test('a lower MemoryMax= bites at once, and so does a higher', async () => {
    await scene.enable({ grows: consumer(8711, { MemoryMax: '64M', MemorySwapMax: 0 }) });
    const { start } = await ask(8711);
    expect((await ask(8711, 'allocate-apart 100')).result).toBe('SIGKILL');
    await scene.write({ grows: consumer(8711, { MemoryMax: '256M', MemorySwapMax: 0 }) });
    await scene.product.run('apply', 'grows');
    expect(await ask(8711, 'allocate-apart 100')).toMatchObject({ start, result: 0 });
    await scene.write({ grows: consumer(8711, { MemoryMax: '64M', MemorySwapMax: 0 }) });
    await scene.product.run('apply', 'grows');
    expect(await ask(8711, 'allocate-apart 100')).toMatchObject({ start, result: 'SIGKILL' });
  });
});

test('status has figures, and takes them back when the site sleeps', async () => {
  await scene.enable({ shown: consumer(8712) });
  await ask(8712, 'allocate 30');
  const { memoryBytes, cpuUsec } = await scene.status('shown');
  expect(memoryBytes).toBeGreaterThan(30 * 2 ** 20);
  expect(memoryBytes).toBeLessThan(80 * 2 ** 20);
  expect(cpuUsec).toBeGreaterThan(10_000);
  await scene.product.run('sleep', '--force', 'shown');
  expect(await scene.status('shown')).toMatchObject({ memoryBytes: null, cpuUsec: null });
});
