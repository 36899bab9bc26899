import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readHistory, writeHistory } from '../../../src/activator/history.ts';
import { SiteRecord } from '../../../src/activator/site-record.ts';
import type { Log } from '../../../src/base/log.ts';
import type { Paths } from '../../../src/base/paths.ts';
import type { SiteHistory } from '../../../src/control/types.ts';

let directory: string;
let paths: Paths;
let nowMs: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wakesock-'));
  paths = { stateDir: directory } as Paths;
  nowMs = 5_000;
});
afterEach(() => rmSync(directory, { recursive: true }));

const silent = { info: () => {}, warn: () => {}, error: () => {} } as unknown as Log;
const broken = { code: 'ERR_WAKESOCK_EXITED', message: 'The program ended before it listened' } as const;
const record = (): SiteRecord => new SiteRecord('blog', { paths, log: silent, now: () => nowMs });
const takes = (ms: number): void => { nowMs += ms; };

test('a wake that failed says how far it came and when it was over; its total stays unknown', () => {
  const site = record();
  site.wakeBegins('connection');
  takes(3);
  site.phase('process');
  takes(5);
  site.phase('scope');
  takes(100);
  site.stateChanged('waking', { name: 'draining', wakeBy: 'connection', error: broken });
  takes(7);
  site.stateChanged('draining', { name: 'failed', error: broken, untilMs: nowMs + 1000 });
  expect(site.history).toMatchObject({
    state: 'failed', error: broken,
    lastWake: { by: 'connection', phasesMs: { process: 3, scope: 8, go: null, listen: null, total: null, failed: 108 } },
  });
});

test('the next one is told of by itself', () => {
  const site = record();
  site.wakeBegins('connection');
  site.phase('process');
  site.stateChanged('waking', { name: 'draining', wakeBy: 'connection', error: broken });
  site.wakeBegins('cli');
  takes(20);
  site.phase('process');
  takes(1);
  site.wakeEnds(true);
  site.stateChanged('waking', { name: 'awake', sinceMs: nowMs, stopping: false, forceNext: false });
  expect(site.history.lastWake?.phasesMs).toEqual({ process: 20, scope: null, go: null, listen: 21, total: 21 });
});

const earlier: SiteHistory = {
  version: 1, since: '2026-05-04T11:57:00.000Z', state: 'failed', wakes: 3, error: broken,
  lastWake: { at: '2026-05-04T11:56:58.100Z', by: 'front', phasesMs: { process: 3, scope: 8, go: null, listen: null, total: null, failed: 108 } },
};

test('of a wake that an earlier activator began nothing is made up', () => {
  writeHistory(paths, 'blog', earlier);
  const site = record();
  site.stateChanged('dormant', { name: 'waking', by: 'earlier activator', outdated: false });
  takes(9);
  site.phase('listen');
  site.wakeEnds(true);
  site.stateChanged('waking', { name: 'awake', sinceMs: nowMs, stopping: false, forceNext: false });
  expect(site.history.lastWake).toEqual(earlier.lastWake);
});

test('a failure that is only on the disk is taken from there', () => {
  writeHistory(paths, 'blog', earlier);
  record().resetFailed();
  expect(readHistory(paths, 'blog')).toEqual({ ...earlier, state: 'dormant', error: null, since: expect.not.stringMatching(earlier.since) });
});

test('of a site that has not failed nothing is written', () => {
  const awake: SiteHistory = { ...earlier, state: 'awake', error: null };
  writeHistory(paths, 'blog', awake);
  record().resetFailed();
  expect(readHistory(paths, 'blog')).toEqual(awake);
});

const byFront = (at: string) => ({ by: 'front', cause: { at, client: '192.0.2.7', method: 'GET', host: 'blog.example', path: '/', agent: '' } });

test('who came with the connection that began a wake tells who it is, also when the program is awake already; not who came later', async () => {
  const site = record();
  const cameAt = new Date(Date.now() - 1).toISOString();
  site.wakeBegins('connection');
  site.wakeEnds(true);
  site.stateChanged('waking', { name: 'awake', sinceMs: nowMs, stopping: false, forceNext: false });
  const begunAt = Date.parse(site.history.lastWake?.at ?? '');
  site.leaseAsked(byFront(new Date(begunAt + 1).toISOString()), false);
  site.leaseAsked(byFront(''), false);
  site.leaseAsked({ by: 'lease', cause: null }, false);
  expect(site.history.lastWake?.by).toBe('connection');
  site.leaseAsked(byFront(cameAt), false);
  expect(site.history.lastWake).toMatchObject({ by: 'front', cause: { client: '192.0.2.7' } });
  await new Promise((resolve) => { setImmediate(resolve); });
  expect(readHistory(paths, 'blog').lastWake).toMatchObject({ by: 'front' });
  // It is somebody's now.
  site.leaseAsked({ ...byFront(cameAt), by: 'other' }, true);
  expect(site.history.lastWake?.by).toBe('front');
});
