/** systemd.resource-control(5): [Service] keys to properties of the scope, in D-Bus form. */
import type { ScopeProperty } from '../base/site.ts';
import { parseCpuQuotaUsec, parseCpuWeight as parseUnitCpuWeight, parseMemoryAmount, parseTasksAmount, parseWeight, type ResourceAmount } from '../unitfile/resource-control.ts';
import { NotSupportedError } from './reading.ts';

/** No limit, on the bus. */
const infinity = String(2n ** 64n - 1n);

const property = (name: string, value: string): ScopeProperty => ({ name, signature: 't', value });

/** `MemoryMax=` and its like: a size or `infinity`. A share of the machine's memory is refused. */
export function parseMemory(name: string, zeroAllowed: boolean): (text: string) => ScopeProperty {
  return (text) => property(name, amountOf(parseMemoryAmount(text, zeroAllowed ? 'allowed' : 'refused'), 'A percentage of the memory is not supported yet: give a size such as 256M', '256M'));
}

/** `CPUQuota=50%`: microseconds of CPU time per second. */
export function parseCpuQuota(text: string): ScopeProperty {
  return property('CPUQuotaPerSecUSec', String(parseCpuQuotaUsec(text)));
}

/** `CPUWeight=` 1 to 10000, or `idle`, which is 0 on the bus. */
export function parseCpuWeight(text: string): ScopeProperty {
  return property('CPUWeight', String(parseUnitCpuWeight(text)));
}

export function parseIoWeight(text: string): ScopeProperty {
  return property('IOWeight', String(parseWeight(text)));
}

export function parseTasksMax(text: string): ScopeProperty {
  return property('TasksMax', amountOf(parseTasksAmount(text), 'A percentage of the tasks is not supported yet: give a number'));
}

function amountOf(amount: ResourceAmount, shareMessage: string, suggestion?: string): string {
  if (amount.kind === 'share') throw new NotSupportedError(shareMessage, suggestion === undefined ? {} : { suggestion });
  return amount.kind === 'infinity' ? infinity : String(amount.amount);
}
