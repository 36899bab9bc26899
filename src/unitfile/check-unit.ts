import { parseBoolean } from './boolean.ts';
import { parseCalendarEvent } from './calendar-event.ts';
import { parseCommandLines } from './command-line.ts';
import type { Diagnostic } from './diagnostic.ts';
import { parseEnvironment } from './environment.ts';
import { parseExitStatusSet } from './exit-status.ts';
import { parseIpPrefixes } from './ip-prefix.ts';
import { knownKeys, simpleKinds } from './known-keys.ts';
import { parseMode } from './mode.ts';
import { parseProcessLimit } from './process-limit.ts';
import { quote } from './quote.ts';
import {
  parseCpuQuotaUsec, parseCpuSet, parseCpuWeight, parseDeviceBandwidth, parseDeviceIops, parseDeviceWeight, parseMemoryAmount, parseTasksAmount, parseWeight,
} from './resource-control.ts';
import { parseSignal } from './signal.ts';
import { parseSocketAddress } from './socket-address.ts';
import { expandSpecifiers, type SpecifierContext } from './specifiers.ts';
import { suggest } from './suggest.ts';
import { parseTimeSpanUsec } from './time-span.ts';
import type { UnitEntry, UnitFile } from './unit-file.ts';
import { UnitValueError } from './value-error.ts';

/** Sections by the type of a unit, in the order in which they are suggested. */
const sectionsByType: Readonly<Record<string, readonly string[]>> = {
  service: ['Service'], socket: ['Socket'], target: [], device: [], mount: ['Mount'], automount: ['Automount'], swap: ['Swap'], timer: ['Timer'], path: ['Path'],
  slice: ['Slice'], scope: ['Scope'],
  ...Object.fromEntries(['Container', 'Volume', 'Network', 'Kube', 'Pod', 'Image', 'Build', 'Artifact'].map((name) => [name.toLowerCase(), [name, 'Service', 'Quadlet']])),
};

/** Which specifier stands for what does not matter here, only that there is such a one. */
const anySpecifiers: SpecifierContext = Object.fromEntries([...'aAbBCdDEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY'].map((letter) => [letter, 'x']));

/** What Quadlet's own sections hold, podman reads in ways of its own. */
const systemdSections = new Set(['Unit', 'Install', 'Service', 'Socket', 'Mount', 'Automount', 'Swap', 'Timer', 'Path', 'Slice', 'Scope']);

const readers = new Map<string, (text: string) => unknown>();
const add = (keys: string, read: (text: string) => unknown): void => { for (const key of keys.split(' ')) readers.set(key, read); };
for (const key of simpleKinds.boolean) readers.set(key, parseBoolean);
for (const key of simpleKinds.timeSpan) readers.set(key, (text) => parseTimeSpanUsec(text));
for (const key of simpleKinds.mode) readers.set(key, parseMode);
for (const key of simpleKinds.signal) readers.set(key, parseSignal);
for (const name of 'CPU FSIZE DATA STACK CORE RSS NOFILE AS NPROC MEMLOCK LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME'.split(' ')) readers.set(`Limit${name}`, (text) => parseProcessLimit(name, text));
add('ExecStart ExecStartPre ExecStartPost ExecCondition ExecReload ExecStop ExecStopPre ExecStopPost', (text) => parseCommandLines(text, anySpecifiers));
add('Environment', (text) => parseEnvironment(text, anySpecifiers));
add('SuccessExitStatus RestartPreventExitStatus RestartForceExitStatus', parseExitStatusSet);
add('MemoryHigh MemoryMax', (text) => parseMemoryAmount(text, 'refused'));
add('MemoryMin MemoryLow MemorySwapMax MemoryZSwapMax', (text) => parseMemoryAmount(text, 'allowed'));
add('TasksMax', parseTasksAmount);
add('CPUQuota', parseCpuQuotaUsec);
add('CPUWeight StartupCPUWeight', parseCpuWeight);
add('IOWeight StartupIOWeight', parseWeight);
add('IODeviceWeight', parseDeviceWeight);
add('IOReadBandwidthMax IOWriteBandwidthMax', parseDeviceBandwidth);
add('IOReadIOPSMax IOWriteIOPSMax', parseDeviceIops);
add('AllowedCPUs AllowedMemoryNodes', parseCpuSet);
add('IPAddressAllow IPAddressDeny', parseIpPrefixes);
add('OnCalendar', parseCalendarEvent);
add('ListenStream ListenDatagram ListenSequentialPacket', (text) => parseSocketAddress(expandSpecifiers(text, anySpecifiers)));

/**
 * What is wrong with a unit file of systemd or Quadlet, besides what its parser found (`diagnostics` of the file, which are repeated):
 * sections and keys that nothing reads (warnings, with the nearest that there is), and values that systemd cannot read (errors). Sections
 * and keys that begin with `X-` pass.
 *
 * Values of every key are not looked at: those whose kind this library reads are.
 *
 * @param type what is after the last dot of the unit's name: `service`, `container`, …
 * @example
 * checkUnit(parseUnit('[Service]\nExecStrat=/bin/true\n', 'a.service'), 'service')[0]?.suggestion // 'ExecStart='
 */
export function checkUnit(file: UnitFile, type: string): Diagnostic[] {
  const found: Diagnostic[] = [...file.diagnostics];
  const own = Object.hasOwn(sectionsByType, type) ? sectionsByType[type] : undefined;
  const sections = ['Unit', ...(own ?? Object.keys(knownKeys)), 'Install'];
  for (const node of file.nodes) {
    if (node.kind !== 'section' || sections.includes(node.section) || node.section.startsWith('X-')) continue;
    const text = node.raw.replace(/[\r\n]+$/, '').split(/[\r\n]/, 1)[0] as string;
    const near = suggest(node.section, sections);
    found.push({
      severity: 'warning', code: 'unknown-section', file: file.file, line: node.line, column: text.indexOf('[') + 1, text,
      message: `Expected a section of a .${type} unit, found ${quote(node.section)}, which is ignored`, suggestion: near === null ? null : `[${near}]`,
    });
  }
  for (const entry of file.entries) if (sections.includes(entry.section) && !entry.key.startsWith('X-')) found.push(...checkEntry(entry, sections));
  return found.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function checkEntry(entry: UnitEntry, sections: readonly string[]): Diagnostic[] {
  const { file, line, column, text, section, key, value } = entry;
  const keys = knownKeys[section] ?? [];
  if (!keys.includes(key)) {
    const elsewhere = sections.find((other) => knownKeys[other]?.includes(key));
    const near = elsewhere === undefined ? suggest(key, keys) : null;
    const suggestion = elsewhere !== undefined ? `${key}= in [${elsewhere}]` : near === null ? null : `${near}=`;
    return [{ severity: 'warning', code: 'unknown-key', file, line, column, text, message: `Expected a key of [${section}], found ${quote(key)}, which is ignored`, suggestion }];
  }
  const read = systemdSections.has(section) ? readers.get(key) : undefined;
  if (read === undefined || value === '') return [];
  try {
    read(value);
    return [];
  } catch (error) {
    if (!(error instanceof UnitValueError)) throw error;
    return [{ severity: 'error', code: 'bad-value', ...entry.place(error.offset), message: `${key}=: ${error.message}`, suggestion: error.suggestion }];
  }
}
