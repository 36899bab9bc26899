import fc from 'fast-check';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Paths } from '../../../src/base/paths.ts';
import { allotAddress, releaseAddresses } from '../../../src/runtime/addresses.ts';
import type { Subnet } from '../../../src/runtime/podman-network.ts';

function state(): Paths {
  const stateDir = mkdtempSync(join(tmpdir(), 'wakesock-addresses-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
  return { siteDirs: [], stateDir, runtimeDir: '/run/wakesock', controlPath: '/run/wakesock/control.sock' };
}

const net = (subnet: string, gateway: string, lease?: [string, string]): Subnet => ({ subnet, gateway, ...lease ? { lease_range: { start_ip: lease[0], end_ip: lease[1] } } : {} });
const refused = (text: RegExp) => expect.objectContaining({ code: 'ERR_WAKESOCK_NETWORK', message: expect.stringMatching(text) });

test.each<[Subnet, string[]]>([
  [net('10.88.0.0/16', '10.88.0.1'), ['10.88.255.254', '10.88.255.253']],
  [net('10.89.0.0/29', '10.89.0.6'), ['10.89.0.5', '10.89.0.4']],
  [net('10.89.0.0/24', '10.89.0.1', ['10.89.0.128', '10.89.0.254']), ['10.89.0.127', '10.89.0.126']],
  [net('10.89.0.0/24', '10.89.0.1', ['10.89.0.10', '10.89.0.253']), ['10.89.0.254', '10.89.0.9']],
  [net('fd00:1::/64', 'fd00:1::1'), ['fd00:1::ffff:ffff:ffff:fffe', 'fd00:1::ffff:ffff:ffff:fffd']],
  [net('fd00:1::/124', 'fd00:1::1'), ['fd00:1::e', 'fd00:1::d']],
])('from the last one down, and none of podman\'s: %j', (subnet, [first, second]) => {
  const paths = state();
  expect(allotAddress(paths, 'n', subnet, 'a', null)).toBe(first);
  expect(allotAddress(paths, 'n', subnet, 'b', null)).toBe(second);
});

test('it is kept, until it is given back; then it is the next one\'s', () => {
  const paths = state();
  const subnet = net('10.89.0.0/24', '10.89.0.1');
  expect([1, 2].map(() => allotAddress(paths, 'n', subnet, 'a', null))).toEqual(['10.89.0.254', '10.89.0.254']);
  releaseAddresses(paths, 'a', new Set(['n']));
  expect(allotAddress(paths, 'n', subnet, 'b', null)).toBe('10.89.0.253');
  releaseAddresses(paths, 'a');
  expect(allotAddress(paths, 'n', subnet, 'c', null)).toBe('10.89.0.254');
  releaseAddresses(paths, 'nobody');
});

test('one that is asked for takes the place of what the site had; another\'s, the gateway and what is outside are refused', () => {
  const paths = state();
  const subnet = net('10.89.0.0/24', '10.89.0.1', ['10.89.0.100', '10.89.0.200']);
  allotAddress(paths, 'n', subnet, 'a', null);
  // Also of podman's range: the user knows.
  expect(allotAddress(paths, 'n', subnet, 'a', '10.89.0.150')).toBe('10.89.0.150');
  expect(readdirSync(`${paths.stateDir}/networks/n`)).toEqual(['10.89.0.150']);
  expect(readlinkSync(`${paths.stateDir}/networks/n/10.89.0.150`)).toBe('a');
  expect(() => allotAddress(paths, 'n', subnet, 'b', '10.89.0.150')).toThrow(refused(/that of a/));
  expect(() => allotAddress(paths, 'n', subnet, 'b', '10.89.0.1')).toThrow(refused(/that of the gateway/));
  expect(() => allotAddress(paths, 'n', subnet, 'b', '10.90.0.1')).toThrow(refused(/not in it/));
  expect(() => allotAddress(paths, 'n', subnet, 'b', '10.89.0.255')).toThrow(refused(/not in it/));
  // What it asked for once it keeps only while it asks for it, where that is podman's to give.
  expect(allotAddress(paths, 'n', subnet, 'a', null)).toBe('10.89.0.254');
});

test('a network that is full', () => {
  const paths = state();
  const subnet = net('10.89.0.0/30', '10.89.0.1');
  expect(allotAddress(paths, 'n', subnet, 'a', null)).toBe('10.89.0.2');
  expect(() => allotAddress(paths, 'n', subnet, 'b', null)).toThrow(refused(/no address left for b/));
  expect(() => allotAddress(paths, 'm', net('10.90.0.0/24', '10.90.0.1', ['10.90.0.1', '10.90.0.254']), 'b', null)).toThrow(refused(/no address left/));
});

test('whoever comes and goes, no two have the same, and none the gateway\'s', () => {
  const step = fc.record({ site: fc.constantFrom('a', 'b', 'c', 'd'), asked: fc.option(fc.integer({ min: 0, max: 16 })), leaves: fc.boolean() });
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const paths = state();
    const subnet = net('10.89.0.0/28', '10.89.0.1', ['10.89.0.4', '10.89.0.6']);
    const has = new Map<string, string>();
    for (const { site, asked, leaves } of steps) {
      if (leaves) {
        releaseAddresses(paths, site);
        has.delete(site);
        continue;
      }
      try {
        has.set(site, allotAddress(paths, 'n', subnet, site, asked === null ? null : `10.89.0.${asked}`));
      } catch (error) {
        expect(error).toEqual(refused(/./));
      }
      expect(new Set(has.values()).size).toBe(has.size);
      expect([...has.values()]).not.toContain('10.89.0.1');
      expect(Object.fromEntries(readdirSync(`${paths.stateDir}/networks/n`).map((address) => [readlinkSync(`${paths.stateDir}/networks/n/${address}`), address]))).toEqual(Object.fromEntries(has));
    }
  }), { numRuns: 50 });
});
