import { expect, test } from 'vitest';
import type { ScopeProperty } from '../../../src/base/site.ts';
import { networkServiceProperties, scopeProperties, toVariant, type ScopeStart } from '../../../src/systemd/transient-properties.ts';

test.each([
  [{ name: 'MemoryMax', signature: 't', value: '18446744073709551615' }, 18446744073709551615n],
  [{ name: 'TasksMax', signature: 't', value: 128 }, 128n],
  [{ name: 'CPUWeight', signature: 't', value: '100' }, 100n],
  [{ name: 'X', signature: 'x', value: '-1' }, -1n],
  [{ name: 'MemoryAccounting', signature: 'b', value: true }, true],
  [{ name: 'OOMPolicy', signature: 's', value: 'continue' }, 'continue'],
  [{ name: 'U', signature: 'u', value: 4294967295 }, 4294967295],
  [{ name: 'D', signature: 'd', value: 0.5 }, 0.5],
  [{ name: 'AllowedCPUs', signature: 'ay', value: [5, 255] }, Buffer.from([5, 255])],
  [{ name: 'DeviceAllow', signature: 'a(ss)', value: [['/dev/char/10:229', 'rwm']] }, [['/dev/char/10:229', 'rwm']]],
  [{ name: 'IODeviceWeight', signature: 'a(st)', value: [['/dev/sda', '18446744073709551615'], ['/srv', '1']] }, [['/dev/sda', 18446744073709551615n], ['/srv', 1n]]],
] as const)('%j', (property, value) => {
  const [name, variant] = toVariant(property);
  expect([name, variant.signature, variant.value]).toEqual([property.name, property.signature, value]);
});

test.each([
  { name: 'MemoryMax', signature: 't', value: '-1' },
  { name: 'MemoryMax', signature: 't', value: '18446744073709551616' },
  { name: 'MemoryMax', signature: 't', value: '1.5' },
  { name: 'MemoryMax', signature: 't', value: '' },
  { name: 'MemoryMax', signature: 't', value: true },
  { name: 'X', signature: 'x', value: '9223372036854775808' },
  { name: 'U', signature: 'u', value: -1 },
  { name: 'U', signature: 'u', value: '1' },
  { name: 'B', signature: 'b', value: 1 },
  { name: 'S', signature: 's', value: 1 },
  { name: 'A', signature: 'as', value: 'a' },
  { name: 'Y', signature: 'ay', value: [256] },
  { name: 'Y', signature: 'ay', value: '5' },
  { name: 'P', signature: 'a(st)', value: [['/dev/sda', '-1']] },
  { name: 'P', signature: 'a(st)', value: [5] },
  { name: 'P', signature: 'a(ss)', value: [[5, 'x']] },
  { name: 'P', signature: 'a(ss)', value: 'x' },
  { name: 'P', signature: 'a(st)', value: 'x' },
])('ERR_WAKESOCK_SCOPE: %j', (property) => {
  expect(() => toVariant(property as ScopeProperty)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SCOPE', message: expect.stringContaining(property.name) }));
});

const scope: ScopeStart = {
  name: 'wakesock-site-blog.scope', description: 'Blog', slice: 'wakesock.slice', pids: [7], stopTimeoutMs: 10_000,
  properties: [{ name: 'TasksMax', signature: 't', value: '128' }],
};

test.each([[false, undefined], [true, 'continue']])('a systemd that knows it (%s) is told what an OOM kill means: %s', (knows, policy) => {
  expect(new Map(scopeProperties(scope, knows)).get('OOMPolicy')?.value).toBe(policy);
});

test('a network\'s service is started with its scope, and goes with it; systemd replaces nothing in its commands', () => {
  const network = { name: 'wakesock-net-blog.service', service: { type: 'exec', start: ['/bin/sh', '-c', 'echo $$ "$0" ${x}'], stop: ['/bin/true'], capabilities: '4' } } as const;
  const beside = { ...scope, network };
  expect(new Map(scopeProperties(beside, false)).get('Wants')?.value).toEqual(['wakesock-net-blog.service']);
  expect(new Map(scopeProperties(scope, false)).has('Wants')).toBe(false);
  expect(networkServiceProperties(scope)).toEqual([]);
  const properties = new Map(networkServiceProperties(beside));
  expect(properties.get('BindsTo')?.value).toEqual([scope.name]);
  expect(properties.get('After')?.value).toEqual([scope.name]);
  expect(properties.get('CapabilityBoundingSet')?.value).toBe(4n);
  expect(properties.get('ExecStart')?.value).toEqual([['/bin/sh', ['/bin/sh', '-c', 'echo $$$$ "$$0" $${x}'], false]]);
  expect(properties.get('ExecStopPost')?.value).toEqual([['/bin/true', ['/bin/true'], false]]);
  const forking = new Map(networkServiceProperties({ ...scope, network: { ...network, service: { ...network.service, type: 'forking', stop: null, capabilities: null } } }));
  expect([forking.has('ExecStopPost'), forking.has('CapabilityBoundingSet'), forking.get('Restart')?.value]).toEqual([false, false, 'no']);
});

test('a scope goes away when it is over, failed or not', () => {
  const properties = new Map(scopeProperties(scope, false));
  expect(properties.get('PIDs')).toMatchObject({ signature: 'au', value: [7] });
  expect(properties.get('CollectMode')?.value).toBe('inactive-or-failed');
  expect(properties.get('DevicePolicy')?.value).toBe('closed');
  expect(properties.get('TimeoutStopUSec')?.value).toBe(10_000_000n);
  expect(properties.get('Slice')?.value).toBe('wakesock.slice');
  expect(properties.get('TasksMax')?.value).toBe(128n);
});
