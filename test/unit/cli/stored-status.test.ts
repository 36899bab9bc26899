import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { systemPaths, type Paths } from '../../../src/base/paths.ts';
import type { Site } from '../../../src/base/site.ts';
import { parseShow } from '../../../src/cli/activator-state.ts';
import { storedStatus, type SiteFile } from '../../../src/cli/stored-status.ts';
import type { SiteHistory } from '../../../src/control/types.ts';
import { temporaryDirectory } from '../control/fake.ts';

let directory: string;
let paths: Paths;
let slice: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  paths = { ...systemPaths, stateDir: join(directory, 'state') };
  slice = join(directory, 'wakesock.slice');
});

const site = {
  name: 'blog', handoff: 'adopt', hosts: ['blog.example.com'],
  listen: [{ family: 'ipv4', address: '0.0.0.0', port: 8081, text: '0.0.0.0:8081' }],
} as unknown as Site;
const history: SiteHistory = {
  version: 1, since: '2026-05-04T11:57:00.000Z', state: 'dormant', wakes: 12,
  lastWake: { at: '2026-05-04T11:50:00.000Z', by: 'socket', phasesMs: { process: 1, scope: 2, go: 3, listen: 4, total: 4 } }, error: null,
};
const neverLoaded = () => { throw new Error('The site file is read although the site is prepared'); };

async function write(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
}
const prepare = async (): Promise<void> => {
  await write(join(paths.stateDir, 'sites/blog/site.json'), { version: 1, site, warnings: ['no user namespace'] });
  await write(join(directory, 'units/wakesock-site-blog.socket'), '');
};
const remember = (changes: Partial<SiteHistory> | string) => (
  write(join(paths.stateDir, 'history/blog.json'), typeof changes === 'string' ? changes : { ...history, ...changes }));
async function populate(files: Record<string, string>): Promise<void> {
  for (const [file, text] of Object.entries(files)) await write(join(slice, 'wakesock-site-blog.scope', file), text);
}
const status = (load: () => SiteFile = neverLoaded) => storedStatus('blog', paths, { load, slice, unitDirs: [join(directory, 'units')] });

test('an enabled site that was never woken', async () => {
  await prepare();
  expect(status()).toEqual({
    name: 'blog', state: 'dormant', handoff: 'adopt', listen: ['0.0.0.0:8081'], hosts: ['blog.example.com'],
    unit: 'wakesock-site-blog.socket', since: null, wakes: 0, connections: null, memoryBytes: null, cpuUsec: null, oomKills: null,
    lastWake: null, warnings: ['no user namespace'], error: null,
  });
});

test('a site whose socket unit somebody wrote himself: its name is not made up', async () => {
  await prepare();
  await rm(join(directory, 'units'), { recursive: true });
  expect(status().unit).toBeNull();
});

test('a dormant site with a history', async () => {
  await prepare();
  await remember({});
  expect(status()).toMatchObject({ state: 'dormant', since: history.since, wakes: 12, lastWake: history.lastWake });
});

test('a site that goes on without its activator', async () => {
  await prepare();
  await remember({ state: 'awake' });
  await populate({ 'cgroup.events': 'populated 1\nfrozen 0\n', 'memory.current': '4096\n', 'cpu.stat': 'usage_usec 77\nuser_usec 70\n' });
  expect(status()).toMatchObject({ state: 'awake', since: history.since, memoryBytes: 4096, cpuUsec: 77 });
});

test('a frozen site without a memory controller', async () => {
  await prepare();
  await populate({ 'cgroup.events': 'populated 1\nfrozen 1\n' });
  expect(status()).toMatchObject({ state: 'frozen', since: null, memoryBytes: null, cpuUsec: null });
});

test.each(['awake', 'waking', 'draining'] as const)('a site that was %s when the box went down is dormant since nobody knows when', async (state) => {
  await prepare();
  await remember({ state });
  await populate({ 'cgroup.events': 'populated 0\nfrozen 0\n' });
  expect(status()).toMatchObject({ state: 'dormant', since: null, wakes: 12 });
});

test('a failed site keeps its error', async () => {
  await prepare();
  const error = { code: 'ERR_WAKESOCK_EXITED', message: 'exit status 1' };
  await remember({ state: 'failed', error });
  expect(status()).toMatchObject({ state: 'failed', since: history.since, error });
});

test('a site that is not enabled is shown as its file says', () => {
  expect(status(() => ({ site, diagnostics: [] })))
    .toMatchObject({ state: 'dormant', unit: null, listen: ['0.0.0.0:8081'], error: { code: 'ERR_WAKESOCK_NOT_ENABLED' } });
});

test('a broken site file is told with its places', () => {
  const diagnostics = [
    { severity: 'warning', file: 'blog.container', line: 1, message: 'unknown key' },
    { severity: 'error', file: 'blog.container', line: 4, message: 'no number' },
  ];
  expect(status(() => ({ site: null, diagnostics })))
    .toMatchObject({ listen: [], unit: null, error: { code: 'ERR_WAKESOCK_SITE_FILE', message: 'blog.container:4: no number' } });
});

test('a history that was cut off does not hide the site', async () => {
  await prepare();
  await remember('{"version":1,');
  expect(status()).toMatchObject({ state: 'dormant', wakes: 0, listen: ['0.0.0.0:8081'], error: { code: 'ERR_WAKESOCK_STATE_DIR' } });
});

test.each([
  ['active', 'running', 812, 'running'],
  ['activating', 'start', 812, 'running'],
  ['reloading', 'reload', 812, 'running'],
  ['activating', 'auto-restart', 0, 'stopped'],
  ['activating', 'auto-restart-queued', 0, 'stopped'],
  ['deactivating', 'stop-sigterm', 812, 'stopped'],
  ['inactive', 'dead', 0, 'stopped'],
  ['failed', 'failed', 0, 'stopped'],
])('a service that is %s (%s, PID %i) is %s', (active, sub, pid, state) => {
  expect(parseShow(`MainPID=${pid}\nActiveState=${active}\nSubState=${sub}\n`)).toEqual({ activator: { state, pid: state === 'running' ? pid : null }, problem: null });
});

test.each([
  ['exit-code', 202, /202\/FDS: .*LimitNOFILE=/],
  ['exit-code', 203, /203\/EXEC: .*wakesock install/],
  ['exit-code', 1, /with status 1\./],
  ['exit-code', 75, null],
  ['signal', 9, null],
])('a service that is started again since it ended with %s %i: whether that is told', (result, status, text) => {
  const { problem } = parseShow(`Result=${result}\nMainPID=0\nExecMainStatus=${status}\nActiveState=activating\nSubState=auto-restart\n`);
  if (text === null) expect(problem).toBeNull();
  else expect(problem?.message).toMatch(text);
});
