/** Values of `man systemd.resource-control`. */
import { simplifyPath } from './command-line.ts';
import { parseInteger } from './integer.ts';
import { isPercentage, parsePermyriad } from './percentage.ts';
import { quote } from './quote.ts';
import { readPlainWord } from './plain-words.ts';
import { parseSizeBytes } from './size.ts';
import { parseTimeSpanUsec } from './time-span.ts';
import { UnitValueError } from './value-error.ts';

/** How much of a resource: an amount, a share of what the machine has (ten-thousandths), or no limit. */
export type ResourceAmount =
  | { readonly kind: 'amount'; readonly amount: bigint }
  | { readonly kind: 'share'; readonly permyriad: number }
  | { readonly kind: 'infinity' };

const uint64Max = 2n ** 64n - 1n;
const whitespace = ' \t\n\r';

/**
 * Reads `MemoryMax=` and its kin: a size in bytes, a share of the memory up to 100%, or `infinity`.
 * @param zero whether nothing at all is a value: it is for `MemoryMin=`, `MemoryLow=`, `MemorySwapMax=`, `MemoryZSwapMax=`
 * @throws UnitValueError
 */
export function parseMemoryAmount(text: string, zero: 'allowed' | 'refused'): ResourceAmount {
  if (text === 'infinity') return { kind: 'infinity' };
  const amount: ResourceAmount = isPercentage(text) ? share(text) : { kind: 'amount', amount: parseSizeBytes(text) };
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
  return device(text, (amount) => (amount === 'infinity' ? amount : above0(parseSizeBytes(amount, 1000), amount)));
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
  const word = readPlainWord(text, 0, whitespace);
  if (word === null || word.text === '' || word.next === text.length) throw new UnitValueError(`Expected the path of a device and a value, found ${quote(text)}`);
  if (word.text.split('/').includes('..')) throw new UnitValueError(`Expected a path without "..", found ${quote(word.text)}`);
  try {
    return { path: simplifyPath(word.text), amount: read(text.slice(word.next)) };
  } catch (error) {
    if (!(error instanceof UnitValueError)) throw error;
    throw new UnitValueError(error.message, { offset: word.next + error.offset, ...(error.suggestion === null ? {} : { suggestion: error.suggestion }) });
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
  for (let word = readPlainWord(text, 0, `${whitespace},`); word !== null; word = readPlainWord(text, word.next, `${whitespace},`)) {
    // A range that ends before it begins is empty, with a warning, in systemd.
    const dash = word.text.indexOf('-');
    const [low, high] = [cpu(dash < 0 ? word.text : word.text.slice(0, dash)), cpu(word.text.slice(dash + 1))];
    if (!(low <= high)) throw new UnitValueError(`Expected a number or a range such as 0-3, found ${quote(word.text)}`, { offset: word.offset });
    for (let i = low; i <= high; i++) found.add(i);
  }
  return [...found].toSorted((a, b) => a - b);
}

/** NaN for what is none. */
function cpu(text: string): number {
  try {
    return Number(parseInteger(text, 0n, BigInt(cpuMax)));
  } catch (error) {
    if (error instanceof UnitValueError) return Number.NaN;
    throw error;
  }
}
