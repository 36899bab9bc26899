import { expect, test } from 'vitest';
import { systemPaths } from '../../../src/base/paths.ts';
import { runOptionsOf } from '../../../src/cli/run.ts';

const under = (env: NodeJS.ProcessEnv) => ({ env, paths: systemPaths });

test('under systemd: the system\'s paths, ends after 30 s', () => {
  expect(runOptionsOf({}, under({ LISTEN_FDS: '3' }))).toEqual({ paths: systemPaths, embedded: false, exitIdleMs: 30_000, logLevel: 'info' });
});

test('embedded: everything below the directory of sites, never ends by itself', () => {
  expect(runOptionsOf({ sites: '/srv/sites' }, under({}))).toEqual({
    paths: {
      siteDirs: ['/srv/sites'], stateDir: '/srv/sites/.wakesock', runtimeDir: '/srv/sites/.wakesock/run',
      controlPath: '/srv/sites/.wakesock/run/control.sock',
    },
    embedded: true, exitIdleMs: Infinity, logLevel: 'info',
  });
});

test('each path can be given', () => {
  const { paths, embedded } = runOptionsOf(
    { sites: 'sites', 'state-dir': '/state', 'runtime-dir': '/runtime', control: '/c.sock' }, under({ LISTEN_FDS: '1' }));
  expect(paths).toEqual({ siteDirs: [`${process.cwd()}/sites`], stateDir: '/state', runtimeDir: '/runtime', controlPath: '/c.sock' });
  expect(embedded).toBe(false);
});

test.each([['500ms', 500], ['5min', 300_000], ['infinity', Infinity], ['2', 2_000], ['0', 0]])('--exit-idle-time=%s is %d ms', (span, ms) => {
  expect(runOptionsOf({ sites: '/s', 'exit-idle-time': span }, under({})).exitIdleMs).toBe(ms);
});

test('a control socket whose path the kernel would not take is named', () => {
  const options = { sites: `/${'s'.repeat(100)}` };
  expect(() => runOptionsOf(options, under({}))).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_LIMIT' }));
  expect(runOptionsOf({ ...options, control: '/c.sock' }, under({})).paths.controlPath).toBe('/c.sock');
});
