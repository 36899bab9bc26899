/** systemd.resource-control(5): [Service] keys to properties of the scope, in D-Bus form. */
import type { ScopeProperty } from '../base/site.ts';
import { parseInteger } from '../unitfile/integer.ts';
import { isPercentage, parsePermyriad } from '../unitfile/percentage.ts';
import { parseSize } from '../unitfile/size.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { NotSupportedError } from './reading.ts';

/** No limit, on the bus. */
const infinity = String(2n ** 64n - 1n);

const property = (name: string, value: string): ScopeProperty => ({ name, signature: 't', value });

/** `MemoryMax=` and its like: a size or `infinity`. A share of the machine's memory is refused. */
export function parseMemory(name: string, zeroAllowed: boolean): (text: string) => ScopeProperty {
  return (text) => {
    if (text === 'infinity') return property(name, infinity);
    if (isPercentage(text)) throw new NotSupportedError('A percentage of the memory is not supported yet: give a size such as 256M', { suggestion: '256M' });
    const bytes = parseSize(text);
    if (bytes === 0n && !zeroAllowed) throw new UnitValueError('Expected a size above 0');
    return property(name, String(bytes));
  };
}

/** `CPUQuota=50%`: microseconds of CPU time per second. */
export function parseCpuQuota(text: string): ScopeProperty {
  const permyriad = parsePermyriad(text);
  if (permyriad === 0) throw new UnitValueError('Expected a percentage above 0%');
  return property('CPUQuotaPerSecUSec', String(permyriad * 100));
}

/** `CPUWeight=` 1 to 10000, or `idle`, which is 0 on the bus. */
export function parseCpuWeight(text: string): ScopeProperty {
  return property('CPUWeight', text === 'idle' ? '0' : String(parseInteger(text, 1n, 10_000n)));
}

export function parseIoWeight(text: string): ScopeProperty {
  return property('IOWeight', String(parseInteger(text, 1n, 10_000n)));
}

export function parseTasksMax(text: string): ScopeProperty {
  if (text === 'infinity') return property('TasksMax', infinity);
  if (isPercentage(text)) throw new NotSupportedError('A percentage of the tasks is not supported yet: give a number');
  return property('TasksMax', String(parseInteger(text, 1n, 2n ** 64n - 2n)));
}
