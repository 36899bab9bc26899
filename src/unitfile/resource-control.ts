/** Values of `man systemd.resource-control`. */
import { simplifyPath } from './command-line.ts';
import { parseInteger } from './integer.ts';
import { isPercentage, parsePermyriad } from './percentage.ts';
import { quote } from './quote.ts';
import { parseSize } from './size.ts';
import { parseTimeSpanUsec } from './time-span.ts';
import { UnitValueError } from './value-error.ts';

/** How much of a resource: an amount, a share of what the machine has (ten-thousandths), or no limit. */
export type ResourceAmount =
  | { readonly kind: 'amount'; readonly amount: bigint }
  | { readonly kind: 'share'; readonly permyriad: number }
  | { readonly kind: 'infinity' };

const uint64Max = 2n ** 64n - 1n;

/**
 * Reads `MemoryMax=` and its kin: a size in bytes, a share of the memory up to 100%, or `infinity`.
 * @param zero whether nothing at all is a value: it is for `MemoryMin=`, `MemoryLow=`, `MemorySwapMax=`, `MemoryZSwapMax=`
 * @throws UnitValueError
 */
export function parseMemoryAmount(text: string, zero: 'allowed' | 'refused'): ResourceAmount {
  if (text === 'infinity') return { kind: 'infinity' };
  const amount: ResourceAmount = isPercentage(text) ? share(text) : { kind: 'amount', amount: parseSize(text) };
  if (zero === 'refused' && (amount.kind === 'amount' ? amount.amount === 0n : amount.permyriad === 0)) throw new UnitValueError(`Expected a size above 0, found ${quote(text)}`);
  return amount;
}

/** Reads `TasksMax=`: a number above 0, a share of what the machine allows, or `infinity`. @throws UnitValueError */
export function parseTasksAmount(text: string): ResourceAmount {
  if (text === 'infinity') return { kind: 'infinity' };
  return isPercentage(text) ? share(text) : { kind: 'amount', amount: parseInteger(text, 1n, uint64Max - 1n) };
}

function share(text: string): { kind: 'share'; permyriad: number } {
  const permyriad = parsePermyriad(text);
  if (permyriad > 10_000) throw new UnitValueError(`Expected at most 100%, found ${quote(text)}`);
  return { kind: 'share', permyriad };
}

/** Reads `CPUQuota=`: CPU time per second of real time, in microseconds; 100% is one CPU. @throws UnitValueError */
export function parseCpuQuotaUsec(text: string): bigint {
  const permyriad = parsePermyriad(text);
  if (permyriad === 0) throw new UnitValueError(`Expected a percentage above 0%, found ${quote(text)}`);
  return BigInt(permyriad) * 100n;
}

/** Reads `IOWeight=`, and `CPUWeight=` but for `idle`: 1 to 10000. @throws UnitValueError */
export function parseWeight(text: string): number {
  return Number(parseInteger(text, 1n, 10_000n));
}

/** Reads `CPUWeight=`. @returns 0 for `idle`, as on the bus @throws UnitValueError */
export function parseCpuWeight(text: string): number {
  return text === 'idle' ? 0 : parseWeight(text);
}

/** A block device, by its node or by a path on its file system, and what it may do. */
export interface DeviceAmount { readonly path: string; readonly amount: bigint | 'infinity' }

/** Reads `IOReadBandwidthMax=`, `IOWriteBandwidthMax=` (bytes per second, suffixes to the base 1000). @throws UnitValueError */
export function parseDeviceBandwidth(text: string): DeviceAmount {
  return device(text, (amount) => (amount === 'infinity' ? amount : above0(parseSize(amount, 1000), amount)));
}

/** Reads `IOReadIOPSMax=`, `IOWriteIOPSMax=` (operations per second). @throws UnitValueError */
export function parseDeviceIops(text: string): DeviceAmount {
  return parseDeviceBandwidth(text);
}

/** Reads `IODeviceWeight=`, 1 to 10000. @throws UnitValueError */
export function parseDeviceWeight(text: string): DeviceAmount {
  return device(text, (amount) => BigInt(parseWeight(amount)));
}

/** Reads `IODeviceLatencyTargetSec=`. `amount` is in microseconds. @throws UnitValueError */
export function parseDeviceLatencyUsec(text: string): DeviceAmount {
  return device(text, parseTimeSpanUsec);
}

function device(text: string, read: (amount: string) => bigint | 'infinity'): DeviceAmount {
  const match = /^("[^"]*"|'[^']*'|[^ \t"']+)[ \t]+/.exec(text);
  const path = match?.[1]?.replace(/^["'](.*)["']$/, '$1') ?? '';
  if (match === null || match[0].length === text.length || !path.startsWith('/')) throw new UnitValueError(`Expected the path of a device and a value, found ${quote(text)}`);
  if (path.split('/').includes('..')) throw new UnitValueError(`Expected a path without "..", found ${quote(path)}`);
  const start = match[0].length;
  try {
    return { path: simplifyPath(path), amount: read(text.slice(start)) };
  } catch (error) {
    if (!(error instanceof UnitValueError)) throw error;
    throw new UnitValueError(error.message, { offset: start + error.offset, ...(error.suggestion === null ? {} : { suggestion: error.suggestion }) });
  }
}

function above0(value: bigint, text: string): bigint {
  if (value === 0n) throw new UnitValueError(`Expected a value above 0, found ${quote(text)}`);
  return value;
}

/** As many as systemd counts (CPU_SETSIZE is 1024, its sets grow to 8192). */
const cpuMax = 8191;

/**
 * Reads `AllowedCPUs=`, `CPUAffinity=`, `AllowedMemoryNodes=`: numbers and ranges such as `0-3 5,7`.
 * @returns the numbers in ascending order
 * @throws UnitValueError
 */
export function parseCpuSet(text: string): number[] {
  const found = new Set<number>();
  for (const { 0: word, index } of text.matchAll(/[^ \t\n\r,]+/g)) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(word);
    const [low, high] = [Number(match?.[1] ?? Number.NaN), Number(match?.[2] ?? match?.[1])];
    // A range that ends before it begins is empty, with a warning, in systemd.
    if (!(low <= cpuMax && high <= cpuMax && low <= high)) throw new UnitValueError(`Expected a number or a range such as 0-3, found ${quote(word)}`, { offset: index });
    for (let i = low; i <= high; i++) found.add(i);
  }
  return [...found].toSorted((a, b) => a - b);
}
