import { expect, test } from 'vitest';
import type { ScopeProperty, Site } from '../../../src/base/site.ts';
import { checkControllers } from '../../../src/site/check-controllers.ts';
import { resourceOf, resourceProperties } from '../../../src/site/resources.ts';

const siteOf = (...names: readonly string[]): Site => ({ resources: names.map((name): ScopeProperty => ({ name, signature: 't', value: '1' })) }) as unknown as Site;
const said = (site: Site, available: string | null): string[] => checkControllers(site, '/blog.container', available).map(({ message }) => message);

test.each<[string, readonly string[], string | null, readonly string[]]>([
  ['all there', ['MemoryMax', 'TasksMax'], 'cpuset cpu io memory pids\n', []],
  ['no limits, no controllers', [], '\n', []],
  ['not known', ['MemoryMax'], null, []],
  ['one key', ['MemoryMax'], 'cpu pids\n', ['MemoryMax= has no effect: this machine\'s control groups lack the controller memory (/sys/fs/cgroup/cgroup.controllers)']],
  ['one controller, a share', ['MemoryMaxScale', 'MemoryLow', 'TasksMaxScale'], 'pids\n', ['MemoryMax= and MemoryLow= have no effect: this machine\'s control groups lack the controller memory (/sys/fs/cgroup/cgroup.controllers)']],
  ['several, none', ['CPUQuotaPerSecUSec', 'IODeviceLatencyTargetUSec', 'AllowedCPUs'], '', ['CPUQuota=, IODeviceLatencyTargetSec= and AllowedCPUs= have no effect: this machine\'s control groups lack the controllers cpu, io and cpuset (/sys/fs/cgroup/cgroup.controllers)']],
  ['cpuset is not cpu', ['CPUWeight', 'AllowedCPUs'], 'cpu\n', ['AllowedCPUs= has no effect: this machine\'s control groups lack the controller cpuset (/sys/fs/cgroup/cgroup.controllers)']],
])('%s', (_, names, available, expected) => {
  expect(said(siteOf(...names), available)).toEqual(expected);
});

test('of the machine itself it says no more than one line', () => {
  expect(checkControllers(siteOf('MemoryMax', 'TasksMax', 'CPUWeight'), '/blog.container').length).toBeLessThanOrEqual(1);
});

test('each key has a property, found by its own name and as a share', () => {
  for (const resource of resourceProperties) {
    expect(resourceOf(resource.property)).toBe(resource);
    expect(resourceOf(`${resource.property}Scale`)).toBe(resource);
  }
  expect(resourceOf('Delegate')).toBeNull();
});
