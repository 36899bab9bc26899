import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Paths } from '../../../src/base/paths.ts';
import { storedState } from '../../../src/control/stored-state.ts';
import type { SiteState } from '../../../src/control/types.ts';

let paths: Paths;
beforeEach(() => {
  const base = mkdtempSync(join(tmpdir(), 'wakesock-stored-'));
  paths = { siteDirs: [], stateDir: `${base}/state`, runtimeDir: `${base}/run`, controlPath: `${base}/control.sock` };
  mkdirSync(`${paths.stateDir}/history`, { recursive: true });
});
afterEach(() => rmSync(join(paths.stateDir, '..'), { recursive: true }));

const history = (text: string): void => writeFileSync(`${paths.stateDir}/history/a.json`, text);
const wrote = (state: SiteState, error: object | null = null): void => history(JSON.stringify({
  version: 1, since: '2026-01-01T00:00:00.000Z', state, wakes: 1, lastWake: null, wokenAt: ['2026-01-01T00:00:00.000Z'], error,
}));
const runs = (): void => { mkdirSync(`${paths.runtimeDir}/sites/a`, { recursive: true }); };

test('a site that was never woken is dormant', () => {
  expect(storedState(paths, 'a')).toEqual({ state: 'dormant', error: null, wokenAtMs: [] });
});

test.each([
  // What was noted last, whether there is anything of it in /run, and what it is.
  ['dormant', false, 'dormant'], ['dormant', true, 'waking'], ['awake', true, 'awake'], ['draining', true, 'draining'], ['failed', true, 'waking'], ['failed', false, 'failed'],
  // The machine lost its power.
  ['awake', false, 'dormant'], ['draining', false, 'dormant'],
] as const)('%s, running: %s, is %s', (state, running, expected) => {
  wrote(state, state === 'failed' ? { code: 'ERR_WAKESOCK_EXITED', message: 'x' } : null);
  if (running) runs();
  expect(storedState(paths, 'a')).toMatchObject({ state: expected, wokenAtMs: [Date.parse('2026-01-01T00:00:00.000Z')] });
});

test.each(['', '{"version":', 'null', '{"version":2}'])('a history that is %j is none', (text) => {
  history(text);
  expect(storedState(paths, 'a').state).toBe('dormant');
  runs();
  expect(storedState(paths, 'a').state).toBe('waking');
});
