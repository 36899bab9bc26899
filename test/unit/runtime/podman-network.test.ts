import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { readNetwork, type NetworkPlaces } from '../../../src/runtime/podman-network.ts';

let places: NetworkPlaces;
beforeEach(() => {
  const directory = mkdtempSync(join(tmpdir(), 'wakesock-networks-'));
  places = { networks: join(directory, 'networks'), quadlets: [join(directory, 'etc'), join(directory, 'run')] };
  for (const each of [places.networks, ...places.quadlets]) mkdirSync(each);
  onTestFinished(() => rmSync(directory, { recursive: true }));
});

const shops = { name: 'shops', id: 'x', driver: 'bridge', network_interface: 'podman1', subnets: [{ subnet: '10.89.7.0/24', gateway: '10.89.7.1' }], dns_enabled: true, ipam_options: { driver: 'host-local' } };
const write = (name: string, network: unknown): void => writeFileSync(join(places.networks, `${name}.json`), typeof network === 'string' ? network : JSON.stringify(network));

test('as podman wrote it, with the file that it is from', () => {
  write('shops', shops);
  expect(readNetwork('shops', places)).toEqual({ name: 'shops', info: shops, files: [join(places.networks, 'shops.json')] });
});

test('podman\'s own needs no file, and is its file\'s where there is one', () => {
  expect(readNetwork('podman', places).info.subnets).toEqual([{ subnet: '10.88.0.0/16', gateway: '10.88.0.1' }]);
  write('podman', { ...shops, name: 'podman' });
  expect(readNetwork('podman', places).info.subnets).toEqual(shops.subnets);
});

test('a Quadlet file: systemd-NAME, or what it says', () => {
  writeFileSync(join(places.quadlets[1] as string, 'quad.network'), '[Network]\n');
  write('systemd-quad', { ...shops, name: 'systemd-quad' });
  expect(readNetwork('quad.network', places)).toMatchObject({ name: 'systemd-quad', files: [expect.stringMatching(/run\/quad\.network$/), expect.stringMatching(/systemd-quad\.json$/)] });
  writeFileSync(join(places.quadlets[0] as string, 'quad.network'), '[Network]\nNetworkName=shops\n');
  write('shops', shops);
  expect(readNetwork('quad.network', places).name).toBe('shops');
});

test.each<[string, unknown, string, RegExp]>([
  ['nowhere', null, 'NETWORK', /podman network create nowhere/],
  ['nowhere.network', null, 'NETWORK', /expected this file in/],
  ['shops', '{', 'NETWORK', /could not be read/],
  ['shops', 'null', 'NOT_SUPPORTED', /driver bridge/],
  ['shops', { ...shops, driver: 'macvlan' }, 'NOT_SUPPORTED', /driver bridge, found "macvlan"/],
  ['shops', { ...shops, ipam_options: { driver: 'dhcp' } }, 'NOT_SUPPORTED', /host-local, found "dhcp"/],
  ['shops', { ...shops, subnets: [] }, 'NETWORK', /subnets/],
  ['shops', { ...shops, subnets: [{ subnet: 'x/24' }] }, 'NETWORK', /subnets/],
  ['shops', { ...shops, subnets: [{ subnet: '10.0.0.0/32' }] }, 'NETWORK', /subnets/],
])('%s, %j', (name, network, code, message) => {
  if (network !== null) write(name, network);
  expect(() => readNetwork(name, places)).toThrow(expect.objectContaining({ code: `ERR_WAKESOCK_${code}`, message: expect.stringMatching(message) }));
});

test('a name that would lead out of the directory', () => {
  writeFileSync(join(places.quadlets[0] as string, 'quad.network'), '[Network]\nNetworkName=../x\n');
  expect(() => readNetwork('quad.network', places)).toThrow(/expected a name of a network/);
});

test('one whose Quadlet file is there, but not the network: its service makes it', () => {
  writeFileSync(join(places.quadlets[0] as string, 'quad.network'), '[Network]\n');
  expect(() => readNetwork('quad.network', places)).toThrow(/systemctl start quad-network\.service/);
});
