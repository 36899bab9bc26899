/** What sites cost in memory, by the kernel's own account: asleep, and awake beside each other on one image. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeImage } from '../support/images.ts';
import { type Scene, siteText } from '../support/scene.ts';
import { bootInstalled, openScene } from '../support/virtual-machine.ts';
import type { VirtualMachine } from './machine/machine.ts';

/** Each takes half a second to enable here. */
const dormantSites = Number(process.env['WAKESOCK_VM_DORMANT'] ?? 100);
const awakeSites = Number(process.env['WAKESOCK_VM_AWAKE'] ?? 10);
const firstPort = 20_000;
/** The kernel keeps as many clients as there are waiting, but curls take memory, and time from who is woken. */
const clientsAtOnce = 4;
const names = Array.from({ length: dormantSites }, (_, index) => `shop@${firstPort + index}`);
const awake = Array.from({ length: awakeSites }, (_, index) => firstPort + index);
/** Of a test; of a command a tenth, which the machine's slowness makes as long. */
const longMs = 60 * 60_000;

let machine: VirtualMachine;
let scene: Scene;

beforeAll(async () => {
  machine = await bootInstalled({ memoryMiB: 2048 + awakeSites });
  scene = await openScene(machine, '1s');
});
afterAll(() => machine.stop());

const read = (path: string): Promise<string> => machine.run(['sh', '-c', `cat ${path} 2>/dev/null || :`]);
const bytes = async (cgroup: string): Promise<number> => Number(await read(`/sys/fs/cgroup/${cgroup}/memory.current`));
const stat = async (cgroup: string, key: string): Promise<number> => Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(await read(`/sys/fs/cgroup/${cgroup}/memory.stat`))?.[1]);
const kib = (number: number): string => `${(number / 1024).toFixed(1)} KiB`;
const print = (text: string): void => { process.stderr.write(`memory: ${text}\n`); };

type Figures = Record<'current' | 'file' | 'anon' | 'Rss' | 'Pss' | 'Private_Clean' | 'Private_Dirty', number>;

/** Of each awake site, in the order of their ports: bytes of its cgroup, KiB of its program. */
async function figures(): Promise<Figures[]> {
  const program = `
import json
def keys(path):
    return {line.split()[0].rstrip(':'): int(line.split()[1]) for line in open(path) if line.split()[1].isdigit()}
def of(port):
    cgroup = f'/sys/fs/cgroup/wakesock.slice/wakesock-site-shop:{port}.scope'
    pid = open(f'{cgroup}/cgroup.procs').readline().strip()
    return {'current': int(open(f'{cgroup}/memory.current').read()), **keys(f'{cgroup}/memory.stat'), **keys(f'/proc/{pid}/smaps_rollup')}
print(json.dumps([of(port) for port in range(${firstPort}, ${firstPort + awakeSites})]))`;
  return JSON.parse(await machine.run(['python3', '-c', program])) as Figures[];
}

test('asleep a site is a socket unit of process 1, and nothing else', async () => {
  // One static program in one layer.
  const image = await makeImage(machine, 'web', [[{ name: 'bin' }, { name: 'srv' }, { name: 'bin/httpd', copy: '/bin/busybox', mode: 0o755 }, { name: 'srv/index.html', data: 'hello\n', mode: 0o644 }]], { Cmd: ['/bin/httpd', '-f', '-p', '3000', '-h', '/srv'] });
  await machine.writeFile('/etc/wakesock/sites/shop@.container', siteText({ Container: { Image: image }, 'X-Wakesock': { ListenStream: '%i', Port: 3000, IdleSec: 'infinity' } }));
  // What comes with the first is not counted: the image is imported, systemd has read its files.
  await machine.run(scene.product.command('enable', names[0] ?? ''), { timeoutMs: longMs / 10 });
  await machine.run(['sh', '-c', 'sync; echo 3 >/proc/sys/vm/drop_caches']);
  const [before, anonBefore] = [await bytes('init.scope'), await stat('init.scope', 'anon')];
  const from = await scene.mark();
  await machine.run(scene.product.command('enable', ...names), { timeoutMs: longMs / 10 });
  await scene.activatorAtRest(from);
  await machine.run(['sh', '-c', 'sync; echo 3 >/proc/sys/vm/drop_caches']);
  const [after, anonAfter] = [await bytes('init.scope'), await stat('init.scope', 'anon')];
  const each = (after - before) / (dormantSites - 1);
  print(`${dormantSites} sites asleep: process 1 has ${kib(after)} instead of ${kib(before)}, ${kib(each)} a site (${kib((anonAfter - anonBefore) / (dormantSites - 1))} of it its own, the rest the kernel's)`);
  expect(each).toBeLessThan(30 * 1024);
  expect(await scene.processes()).toEqual([]);
  expect(await machine.exec(['ls', '/sys/fs/cgroup/wakesock.slice', '/sys/fs/cgroup/system.slice/wakesock.service'])).toMatchObject({ code: 2 });
}, longMs);

/** The mean of all but the first. */
const later = ([, ...others]: readonly number[]): number => others.reduce((sum, number) => sum + number, 0) / others.length;

test('awake, sites of one image have its pages in memory once', async () => {
  const asked = await machine.run(['sh', '-ec', `curl --silent --show-error http://127.0.0.1:${firstPort}/; printf '%s\\n' ${awake.slice(1).join(' ')} | xargs -P ${clientsAtOnce} -I PORT curl --silent --show-error http://127.0.0.1:PORT/`], { timeoutMs: longMs / 10 });
  expect(asked).toBe('hello\n'.repeat(awakeSites));
  const each = await figures();
  const [file, anon, all] = (['file', 'anon', 'current'] as const).map((key) => each.map((figure) => figure[key])) as [number[], number[], number[]];
  print(`${awakeSites} sites of one image awake: the first ${kib(all[0] ?? 0)} (file ${kib(file[0] ?? 0)}, anon ${kib(anon[0] ?? 0)}), each other ${kib(later(all))} (file ${kib(later(file))}, anon ${kib(later(anon))}, the rest the kernel's)`);
  const sumOf = (key: 'Rss' | 'Pss' | 'Private_Clean' | 'Private_Dirty'): number => each.slice(1).reduce((sum, figure) => sum + figure[key], 0) / (awakeSites - 1);
  print(`each program: ${sumOf('Rss').toFixed(0)} KiB resident, of which ${sumOf('Pss').toFixed(0)} KiB are its share, ${(sumOf('Private_Clean') + sumOf('Private_Dirty')).toFixed(0)} KiB its own`);
  print(`activator: ${kib(await bytes('system.slice/wakesock.service'))} (anon ${kib(await stat('system.slice/wakesock.service', 'anon'))}); all sites: ${kib(await bytes('wakesock.slice'))}`);
  // Pages are the first one's who touched them.
  expect(later(file)).toBeLessThan(64 * 1024);
  expect(sumOf('Pss')).toBeLessThan(sumOf('Rss') / 2);
  expect(later(all)).toBeLessThan(2 ** 20);
}, longMs);

test('a killed activator\'s successor has all of them again', async () => {
  const processes = 'cat /sys/fs/cgroup/wakesock.slice/*/cgroup.procs';
  const before = await machine.run(['sh', '-c', processes]);
  const from = await scene.mark();
  await scene.killActivator();
  await scene.nextActivator(from);
  const { activator, sites } = await scene.report();
  expect(sites.filter(({ state }) => state === 'awake')).toHaveLength(awakeSites);
  expect(await machine.run(['sh', '-c', processes])).toBe(before);
  expect(await scene.show('wakesock.service', 'NFileDescriptorStore')).toEqual({ NFileDescriptorStore: String(3 * awakeSites) });
  print(`the next activator: ${kib(await bytes('system.slice/wakesock.service'))}, ${(await machine.run(['ls', `/proc/${activator.pid}/fd`])).trim().split('\n').length} descriptors`);
}, longMs);

test('when all sleep again their memory is the machine\'s', async () => {
  await machine.run(scene.product.command('sleep', '--force', ...awake.map((port) => `shop@${port}`)), { timeoutMs: longMs / 10 });
  expect((await scene.report()).sites.filter(({ state }) => state !== 'dormant')).toEqual([]);
  // What is left are pages of the image that nobody has needed the room of yet.
  print(`all asleep again: ${kib(await bytes('wakesock.slice'))}, of which ${kib(await stat('wakesock.slice', 'file'))} are cached files`);
  expect(await stat('wakesock.slice', 'anon')).toBe(0);
}, longMs);
