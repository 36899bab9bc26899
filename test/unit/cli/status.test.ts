import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import { systemPaths, type Paths } from '../../../src/base/paths.ts';
import { statusReport } from '../../../src/cli/status-report.ts';
import { siteStatus } from '../control/fake-backend.ts';
import { start, temporaryDirectory, type Running } from '../control/fake.ts';
import { FakeContext, wakesock } from './fake-context.ts';

let sites: string;
beforeEach(async () => {
  sites = join(await temporaryDirectory(), 'sites');
  await mkdir(sites);
  await writeFile(join(sites, 'wiki.container'), '[Container]\nRootfs=/srv/wiki\nExec=/bin/wiki\n\n[X-Wakesock]\nListenStream=8090\nPort=3000\n');
});

const ask = ({ path }: Pick<Running, 'path'>, ...args: string[]) => wakesock(['status', `--sites=${sites}`, `--control=${path}`, ...args]);

test('the activator runs: what it says, and the sites that it does not know', async () => {
  const running = await start();
  const { code, out } = await ask(running, '--json');
  expect(code).toBe(0);
  const report = JSON.parse(out) as { activator: unknown; sites: unknown[] };
  expect(report.activator).toEqual({ state: 'running', pid: process.pid });
  expect(report.sites).toEqual([
    siteStatus(),
    expect.objectContaining({ name: 'wiki', state: 'dormant', unit: null, error: expect.objectContaining({ code: 'ERR_WAKESOCK_NOT_ENABLED' }) as unknown }),
  ]);
});

test('status SITE --json has only that site; the documented fields and no other', async () => {
  const { out } = await ask(await start(), '--json', 'wiki');
  const report = JSON.parse(out) as { sites: object[] };
  expect(report.sites).toHaveLength(1);
  expect(Object.keys(report.sites[0] ?? {}).toSorted()).toEqual(Object.keys(siteStatus()).toSorted());
  expect(Object.keys(report)).toEqual(['activator', 'sites']);
});

test('nothing runs: the disk tells', async () => {
  const { code, out, err } = await ask({ path: join(sites, 'none.sock') });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('activator not running');
  expect(out).toMatch(/^wiki +dormant .*8090/m);
});

test('an unknown site is named, with the one that may have been meant', async () => {
  expect(await ask({ path: join(sites, 'none.sock') }, 'wikki')).toEqual({
    code: 1, out: '', err: 'wakesock: No site is called wikki; did you mean wiki? (ERR_WAKESOCK_SITE_NOT_FOUND)\n',
  });
});

test('the control socket is systemd\'s: it is not connected to unless the service runs', async () => {
  const directory = await temporaryDirectory();
  const paths: Paths = { ...systemPaths, siteDirs: [sites], stateDir: directory, controlPath: join(directory, 'control.sock') };
  let connections = 0;
  const socket = createServer((connection) => {
    connections++;
    connection.destroy();
  });
  socket.listen(paths.controlPath);
  await once(socket, 'listening');
  onTestFinished(() => { socket.close(); });
  const { report, problem } = await statusReport({}, paths, async () => ({ activator: { state: 'stopped', pid: null }, problem: null }));
  expect({ activator: report.activator, problem, connections }).toEqual({ activator: { state: 'stopped', pid: null }, problem: null, connections: 0 });
  const stuck = await statusReport({}, paths, async () => ({ activator: { state: 'running', pid: 812 }, problem: null }));
  expect(stuck.problem).toMatchObject({ code: 'ERR_WAKESOCK_CONTROL' });
  expect(stuck.report.activator).toEqual({ state: 'running', pid: 812 });
  expect(stuck.report.sites.map(({ name }) => name)).toEqual(['wiki']);
});

test('an activator that ends before it answers is not waited for: systemd says why it cannot be started', async () => {
  const directory = await temporaryDirectory();
  const paths: Paths = { ...systemPaths, siteDirs: [sites], stateDir: directory, controlPath: join(directory, 'control.sock') };
  const silent = createServer();
  silent.listen(paths.controlPath);
  await once(silent, 'listening');
  const says = [{ activator: { state: 'running', pid: 812 }, problem: null }, { activator: { state: 'stopped', pid: null }, problem: new WakesockError('ERR_WAKESOCK_SYSTEMD', 'it ends with 202/FDS') }] as const;
  let asked = 0;
  const { report, problem } = await statusReport({}, paths, async () => says[Math.min(1, asked++)] as (typeof says)[number]);
  expect({ activator: report.activator, message: problem?.message }).toEqual({ activator: { state: 'stopped', pid: null }, message: 'it ends with 202/FDS' });
  silent.close();
});

test('an activator that cannot be asked is told on standard error, and by the exit code', async () => {
  const socket = createServer((connection) => { connection.destroy(); });
  const path = join(await temporaryDirectory(), 'control.sock');
  socket.listen(path);
  await once(socket, 'listening');
  onTestFinished(() => { socket.close(); });
  const { code, out, err } = await ask({ path });
  expect(code).toBe(1);
  expect(out).toContain('wiki');
  expect(err).toContain('(ERR_WAKESOCK_CONTROL)');
});

test('one site on a terminal: everything of it', async () => {
  const { path } = await start();
  const context = new FakeContext({ columns: 80, env: { LANG: 'C.UTF-8' } });
  const { out } = await wakesock(['status', `--sites=${sites}`, `--control=${path}`, 'blog'], context);
  expect(out).toContain('blog');
  expect(out).toContain('wakesock-site-blog.socket');
});
