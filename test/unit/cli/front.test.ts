import { expect, test } from 'vitest';
import { systemPaths } from '../../../src/base/paths.ts';
import { frontOptionsOf } from '../../../src/cli/front.ts';
import type { VerbValues } from '../../../src/cli/verb.ts';

const options = (values: VerbValues) => frontOptionsOf(values, systemPaths);
const usage = expect.objectContaining({ code: 'ERR_WAKESOCK_USAGE' }) as Error;

test('under systemd: its sockets, nobody trusted, the limits of limits.ts, ends after 30 s', () => {
  expect(options({})).toEqual({
    paths: systemPaths, cacheDir: '/var/lib/wakesock/front', listen: [], logLevel: 'info', exitIdleMs: 30_000, idleClientsMax: 32_768, peers: { trusted: [], proxies: [], perClientMax: 1_024 },
  });
});

test('by hand: where it is told, and without an end', () => {
  expect(options({ listen: ['8080', '[::1]:81'] })).toMatchObject({ listen: [{ host: '0.0.0.0', port: 8080 }, { host: '::1', port: 81 }], exitIdleMs: Infinity });
});

test('peers are prefixes, several to a word, several words', () => {
  expect(options({ trusted: ['10.0.0.0/8,::1', 'localhost'], 'proxy-protocol': ['192.0.2.1'] }).peers).toMatchObject({
    trusted: [{ address: '10.0.0.0', length: 8 }, { address: '::1', length: 128 }, { address: '127.0.0.0', length: 8 }, { address: '::1', length: 128 }],
    proxies: [{ address: '192.0.2.1', length: 32 }],
  });
});

test('limits are numbers', () => {
  expect(options({ 'max-connections-per-client': '3', 'max-idle-connections': '4' })).toMatchObject({ peers: { perClientMax: 3 }, idleClientsMax: 4 });
});

test.each([
  [{ trusted: ['all'] }], [{ 'proxy-protocol': ['10.0.0.0/33'] }], [{ 'max-idle-connections': '0' }], [{ 'max-connections-per-client': '1e3' }], [{ listen: ['/run/x'] }],
])('%j is not understood', (values) => {
  expect(() => options(values)).toThrow(usage);
});
