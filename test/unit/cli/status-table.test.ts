import { expect, test } from 'vitest';
import { statusDetail } from '../../../src/cli/status-detail.ts';
import { statusTable } from '../../../src/cli/status-table.ts';
import { terminalOf, type Terminal } from '../../../src/cli/terminal.ts';
import type { SiteStatus, StatusReport } from '../../../src/control/types.ts';
import { siteStatus } from '../control/fake-backend.ts';
import { FakeContext } from './fake-context.ts';

const now = new Date('2026-05-04T12:00:00Z');
const lastWake: SiteStatus['lastWake'] = {
  at: '2026-05-04T11:56:58.100Z', by: 'socket', phasesMs: { process: 3.54, scope: 8.6, go: 19.71, listen: 24.12, total: 24.12 },
};
const failed = siteStatus({
  name: 'shop', state: 'failed', listen: ['0.0.0.0:8082', '[::]:8082'], hosts: ['shop.example.com', 'www.shop.example.com'],
  unit: 'wakesock-site-shop.socket', since: '2026-05-04T09:00:00Z', wakes: 3, lastWake: { ...lastWake, by: 'control' },
  error: { code: 'ERR_WAKESOCK_EXITED', message: 'The program ended before it listened: exit status 1\nError: Cannot find module \u001B[31mexpress\u001B[0m' },
});
const report: StatusReport = {
  activator: { state: 'running', pid: 812 },
  sites: [
    siteStatus({ state: 'awake', since: '2026-05-04T11:57:00Z', wakes: 12, connections: 2, memoryBytes: 43_300_000, cpuUsec: 1_240_000, lastWake }),
    siteStatus({ name: 'cache', listen: ['/run/cache.sock'], hosts: [] }),
    siteStatus({ name: 'legacy', state: 'draining', since: '2026-05-04T11:59:59.500Z', connections: 0, memoryBytes: 900 }),
    failed,
    siteStatus({ name: 'wiki', since: '2026-04-30T12:00:00Z', wakes: 1 }),
  ],
};
const screen = (columns: number, env: NodeJS.ProcessEnv = { LANG: 'C.UTF-8', NO_COLOR: '1' }): Terminal => terminalOf(new FakeContext({ columns, env }));
const plain = terminalOf(new FakeContext());

test.each([60, 100, 160])('the table on %i columns', (columns) => {
  const table = statusTable(report, screen(columns), now);
  expect(table).toMatchSnapshot();
  for (const line of table.split('\n').slice(1)) expect([...line].length).toBeLessThanOrEqual(columns);
});

test('the table in a pipe is plain and whole', () => {
  expect(statusTable(report, plain, now)).toMatchSnapshot();
});

test('colours and symbols as the terminal has them', () => {
  const colours = statusTable(report, screen(80, { LANG: 'C.UTF-8' }), now);
  expect(colours).toContain('\u001B[32m● awake\u001B[0m');
  expect(statusTable(report, screen(80, { LANG: 'C.UTF-8', TERM: 'dumb' }), now)).not.toContain('\u001B');
  expect(statusTable(report, screen(80, { LANG: 'C', NO_COLOR: '1' }), now)).toContain('* awake');
  // Colours take no room: without them it is the same table.
  // oxlint-disable-next-line no-control-regex
  expect(colours.replaceAll(/\u001B\[\d+m/g, '')).toBe(statusTable(report, screen(80), now));
});

test('no sites', () => {
  expect(statusTable({ activator: { state: 'stopped', pid: null }, sites: [] }, plain, now)).toMatchInlineSnapshot(`
    "wakesock  activator not running
    No sites: a file of [Container] and [X-Wakesock] in /etc/wakesock/sites makes one.
    "
  `);
});

test('a long name is cut, its state is not', () => {
  const name = 'a'.repeat(128);
  const lines = statusTable({ ...report, sites: [siteStatus({ name })] }, screen(60), now).split('\n');
  expect(lines[3]).toMatch(/^a+…\s+○ dormant$/);
  expect([...lines[3] ?? ''].length).toBeLessThanOrEqual(60);
});

test('one site in detail', () => {
  expect(statusDetail(report.sites[0] as SiteStatus, plain, now)).toMatchSnapshot();
  expect(statusDetail(failed, plain, now)).toMatchSnapshot();
  expect(statusDetail({ ...failed, oomKills: { count: 3, lastAt: '2026-05-04T11:57:00.000Z' } }, plain, now)).toContain('\n  OOM kills   3, the last 2026-05-04T11:57:00.000Z\n');
  expect(statusDetail({ ...failed, warnings: ['No \u001b namespace'] }, plain, now)).toMatch(/\n {2}warning {5}No [^\u001b]+ namespace\n/);
  // How far a start came that failed.
  const far = { process: 3.54, scope: 8.6, go: null, listen: null, total: null, failed: 30_004 };
  const stuck = statusDetail({ ...failed, lastWake: { at: '2026-05-04T09:00:00.100Z', by: 'front', phasesMs: far } }, plain, now);
  expect(stuck).toContain('\n  last wake   failed, 2026-05-04T09:00:00.100Z, by front\n              process 3.5 ms, scope 8.6 ms, failed 30.0 s\n');
  // Just now, and with no step of its wake known: no words and no line for nothing.
  const unknownSteps = { process: null, scope: null, go: null, listen: null, total: null };
  const fresh = statusDetail({ ...failed, since: now.toISOString(), lastWake: { at: now.toISOString(), by: 'connection', phasesMs: unknownSteps } }, plain, now);
  expect(fresh).toMatch(/^shop {2}failed, since 2026-05-04T12:00:00\.000Z\n/);
  expect(fresh).not.toMatch(/^ *$\n./m);
});
