/** systemd.resource-control(5): keys of [Service] that become properties of the scope, in D-Bus form (org.freedesktop.systemd1(5)). */
import type { ScopeProperty } from '../base/site.ts';
import { parsePermyriad } from '../unitfile/percentage.ts';
import { quote } from '../unitfile/quote.ts';
import {
  parseCpuQuotaUsec, parseCpuSet, parseCpuWeight, parseDeviceBandwidth, parseDeviceIops, parseDeviceLatencyUsec, parseDeviceWeight, parseMemoryAmount, parseTasksAmount, parseWeight,
  type DeviceAmount, type ResourceAmount,
} from '../unitfile/resource-control.ts';
import { parseTimeSpanUsec } from '../unitfile/time-span.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { each, one, type KeyRow } from './key-row.ts';
import { oneOf } from './values.ts';

/** No limit, on the bus. */
const infinity = String(2n ** 64n - 1n);
const uint32Max = 2 ** 32 - 1;

/** A key of one value. */
function single(key: string, syntax: string, text: string, parse: (value: string) => ScopeProperty): KeyRow {
  return { section: 'Service', key, syntax, text, read: one(parse, (draft, property) => { draft.resources.push(property); }) };
}

/** A key whose assignments make one property together. */
function list<T>(key: string, syntax: string, text: string, parse: (value: string) => T, join: (values: readonly T[]) => ScopeProperty): KeyRow {
  return {
    section: 'Service', key, syntax, text, list: true,
    read: (draft, entries, reading) => {
      const values: T[] = [];
      each(parse, (_draft, value) => { values.push(value); })(draft, entries, reading);
      draft.resources.push(join(values));
    },
  };
}

const uint64 = (name: string, value: bigint | number): ScopeProperty => ({ name, signature: 't', value: String(value) });

/** A share is systemd's to work out, of what the machine has when the site wakes. Scaled as its UINT32_SCALE_FROM_PERMYRIAD(). */
const scaled = (permyriad: number): number => Math.floor((permyriad * uint32Max + 5_000) / 10_000);

function amount(name: string, found: ResourceAmount): ScopeProperty {
  if (found.kind === 'share') return { name: `${name}Scale`, signature: 'u', value: scaled(found.permyriad) };
  return { name, signature: 't', value: found.kind === 'infinity' ? infinity : String(found.amount) };
}

function memory(key: string, zero: 'allowed' | 'refused', text: string): KeyRow {
  return single(key, 'SIZE | PERCENT | infinity', text, (value) => amount(key, parseMemoryAmount(value, zero)));
}

function tasksMax(text: string): ScopeProperty {
  const found = parseTasksAmount(text);
  if (found.kind !== 'share') return amount('TasksMax', found);
  if (found.permyriad === 0) throw new UnitValueError(`Expected a percentage above 0%, found ${quote(text)}`);
  // 100 %, which a file may say, is out of range on the bus.
  return { name: 'TasksMaxScale', signature: 'u', value: Math.min(scaled(found.permyriad), uint32Max - 1) };
}

/** Numbers as bits of bytes, lowest first. */
function bits(name: string, numbers: readonly number[]): ScopeProperty {
  const bytes = Array.from({ length: Math.floor(Math.max(-1, ...numbers) / 8) + 1 }, () => 0);
  for (const number of numbers) bytes[number >> 3] = (bytes[number >> 3] as number) | (1 << (number & 7));
  return { name, signature: 'ay', value: bytes };
}

function cpuSet(key: string, text: string): KeyRow {
  return list(key, 'NUMBER | FIRST-LAST …', text, parseCpuSet, (sets) => bits(key, sets.flat()));
}

/** Of two values for one device the later counts. */
function device(key: string, syntax: string, text: string, parse: (value: string) => DeviceAmount, property = key): KeyRow {
  return list(key, `DEVICE ${syntax}`, text, parse, (values) => ({
    name: property, signature: 'a(st)', value: [...new Map(values.map(({ path, amount: found }) => [path, found === 'infinity' ? infinity : String(found)]))],
  }));
}

function choice(key: string, words: readonly string[], text: string): KeyRow {
  return single(key, words.join(' | '), text, (value) => ({ name: key, signature: 's', value: oneOf(words)(value) }));
}

function pressureLimit(text: string): ScopeProperty {
  const permyriad = parsePermyriad(text);
  if (permyriad > 10_000) throw new UnitValueError(`Expected at most 100%, found ${quote(text)}`);
  return { name: 'ManagedOOMMemoryPressureLimit', signature: 'u', value: scaled(permyriad) };
}

/** Each is known to systemd 252, which refuses a scope with a property that it does not know. */
export const resourceRows: readonly KeyRow[] = [
  memory('MemoryMin', 'allowed', 'Memory that is never taken from the site. A percentage is of the machine\'s memory, here and below.'),
  memory('MemoryLow', 'allowed', 'Memory that is taken from the site only when nobody else has any.'),
  memory('MemoryHigh', 'refused', 'Above this the site is slowed down.'),
  memory('MemoryMax', 'refused', 'Above this the site is killed.'),
  memory('MemorySwapMax', 'allowed', 'Swap space that the site may use.'),
  single('CPUQuota', 'PERCENT', 'CPU time the site may use; 100% is one CPU.', (text) => uint64('CPUQuotaPerSecUSec', parseCpuQuotaUsec(text))),
  single('CPUQuotaPeriodSec', 'TIME-SPAN', 'The time over which `CPUQuota=` is kept, 1ms to 1s; otherwise 100ms.', (text) => uint64('CPUQuotaPeriodUSec', parseTimeSpanUsec(text))),
  single('CPUWeight', '1…10000 | idle', 'Its share of the CPUs when they are busy.', (text) => uint64('CPUWeight', parseCpuWeight(text))),
  cpuSet('AllowedCPUs', 'The CPUs that the site may use.'),
  cpuSet('AllowedMemoryNodes', 'The memory nodes (NUMA) that the site may use.'),
  single('IOWeight', '1…10000', 'Its share of the disks when they are busy.', (text) => uint64('IOWeight', parseWeight(text))),
  device('IODeviceWeight', '1…10000', 'The same for one disk, named by its node or any file on it.', parseDeviceWeight),
  device('IOReadBandwidthMax', 'BYTES | infinity', 'Bytes a second that the site may read from a disk; K, M, G and T are 1000, 1000², ….', parseDeviceBandwidth),
  device('IOWriteBandwidthMax', 'BYTES | infinity', 'Bytes a second that the site may write to a disk.', parseDeviceBandwidth),
  device('IOReadIOPSMax', 'NUMBER | infinity', 'Times a second that the site may read from a disk.', parseDeviceIops),
  device('IOWriteIOPSMax', 'NUMBER | infinity', 'Times a second that the site may write to a disk.', parseDeviceIops),
  device('IODeviceLatencyTargetSec', 'TIME-SPAN', 'How long the site should wait for a disk at most; sites that may wait longer are slowed down for it.', parseDeviceLatencyUsec, 'IODeviceLatencyTargetUSec'),
  single('TasksMax', 'NUMBER | PERCENT | infinity', 'Processes and threads that the site may have. A percentage is of what the machine may have.', tasksMax),
  choice('ManagedOOMSwap', ['auto', 'kill'], 'Whether systemd-oomd(8) may end the site when swap space runs out.'),
  choice('ManagedOOMMemoryPressure', ['auto', 'kill'], 'Whether systemd-oomd(8) may end the site when too much time is spent waiting for memory.'),
  single('ManagedOOMMemoryPressureLimit', 'PERCENT', 'How much of the time is too much. 0%: what oomd.conf(5) says.', pressureLimit),
  choice('ManagedOOMPreference', ['none', 'avoid', 'omit'], 'Whether systemd-oomd(8) spares the site.'),
];

/** A controller of cgroups(7), as /sys/fs/cgroup/cgroup.controllers names it. */
export type Controller = 'memory' | 'cpu' | 'cpuset' | 'io' | 'pids';

export interface ResourceProperty {
  /** As in site files. */
  readonly key: string;
  /** As it is read back; a share is set by another one of its name with `Scale`. */
  readonly property: string;
  /** Without it systemd takes the property, and nothing happens. */
  readonly controller: Controller;
}

const renamed: Readonly<Record<string, string>> = {
  CPUQuota: 'CPUQuotaPerSecUSec', CPUQuotaPeriodSec: 'CPUQuotaPeriodUSec', IODeviceLatencyTargetSec: 'IODeviceLatencyTargetUSec',
};
/** By the beginning of a key. */
const controllers: readonly (readonly [prefix: string, Controller])[] = [
  // systemd-oomd(8) looks at memory.pressure and memory.swap.current.
  ['Memory', 'memory'], ['ManagedOOM', 'memory'], ['CPU', 'cpu'], ['Allowed', 'cpuset'], ['IO', 'io'], ['Tasks', 'pids'],
];

export const resourceProperties: readonly ResourceProperty[] = resourceRows.map(({ key }) => {
  const [, controller] = controllers.find(([prefix]) => key.startsWith(prefix)) ?? [];
  if (controller === undefined) throw new Error(`Expected a controller for ${key}=, found none`);
  return { key, property: renamed[key] ?? key, controller };
});

/** What a property of a site is; null where no key makes it. */
export function resourceOf(name: string): ResourceProperty | null {
  return resourceProperties.find(({ property }) => property === name || `${property}Scale` === name) ?? null;
}
