import { parseBoolean } from './boolean.ts';
import { parseCalendarEvent } from './calendar-event.ts';
import { parseCommandLines } from './command-line.ts';
import type { Diagnostic } from './diagnostic.ts';
import { parseEnvironment } from './environment.ts';
import { parseExitStatusSet } from './exit-status.ts';
import { parseIpPrefixes } from './ip-prefix.ts';
import { parseInteger } from './integer.ts';
import { isKeptWhenEmpty, knownKeys, simpleKinds, systemdSections, wordKinds } from './known-keys.ts';
import { parseMode } from './mode.ts';
import { parsePermyriad } from './percentage.ts';
import { parseProcessLimit } from './process-limit.ts';
import { quote } from './quote.ts';
import {
  parseCpuQuotaUsec, parseCpuSet, parseCpuWeight, parseDeviceBandwidth, parseDeviceIops, parseDeviceLatencyUsec, parseDeviceWeight, parseMemoryAmount, parseTasksAmount, parseWeight,
} from './resource-control.ts';
import { parseSignal } from './signal.ts';
import { parseSizeBytes } from './size.ts';
import { parseSocketAddress } from './socket-address.ts';
import { expandSpecifiers, type SpecifierContext } from './specifiers.ts';
import { suggest } from './suggest.ts';
import { parseTimeSpanUsec } from './time-span.ts';
import type { UnitEntry, UnitFile } from './unit-file.ts';
import { UnitValueError } from './value-error.ts';
import { splitWords } from './words.ts';

/** Sections by the type of a unit, in the order in which they are suggested. */
const sectionsByType: Readonly<Record<string, readonly string[]>> = {
  service: ['Service'], socket: ['Socket'], target: [], device: [], mount: ['Mount'], automount: ['Automount'], swap: ['Swap'], timer: ['Timer'], path: ['Path'],
  slice: ['Slice'], scope: ['Scope'],
  ...Object.fromEntries(['Container', 'Volume', 'Network', 'Kube', 'Pod', 'Image', 'Build', 'Artifact'].map((name) => [name.toLowerCase(), [name, 'Service', 'Quadlet']])),
};

/** What specifiers may stand for: the host's, paths and numbers are what they are, the others, which follow from a name, are any word, a number or a path. */
const examples: readonly SpecifierContext[] = ['x', '1', '/x'].map((any) => Object.fromEntries([
  ...[...'aAbBcgHijIJlmMnNopPqrRsuvwW'].map((letter) => [letter, any]), ...[...'CdDEfhLStTVyY'].map((letter) => [letter, '/x']), ...[...'GU'].map((letter) => [letter, '0']),
]));

/** A value that can be read with some of them is none to complain of. */
function withSpecifiers(read: (text: string, specifiers: SpecifierContext) => unknown): (text: string) => unknown {
  return (text) => {
    let first: unknown = null;
    for (const specifiers of text.includes('%') ? examples : examples.slice(0, 1)) {
      try {
        return read(text, specifiers);
      } catch (error) {
        first ??= error;
      }
    }
    throw first;
  };
}

/** By key, or by section and key. */
const readers = new Map<string, (text: string) => unknown>();
const add = (keys: string, read: (text: string) => unknown): void => { for (const key of keys.split(' ')) readers.set(key, read); };
for (const key of simpleKinds.boolean) readers.set(key, parseBoolean);
for (const key of simpleKinds.timeSpan) readers.set(key, (text) => parseTimeSpanUsec(text));
for (const key of simpleKinds.mode) readers.set(key, parseMode);
for (const key of simpleKinds.signal) readers.set(key, parseSignal);
for (const key of simpleKinds.unsigned) readers.set(key, (text) => parseInteger(text, 0n, 2n ** 32n - 1n));
for (const key of simpleKinds.integer) readers.set(key, (text) => parseInteger(text, -(2n ** 31n), 2n ** 31n - 1n));
for (const key of simpleKinds.size) readers.set(key, (text) => parseSizeBytes(text));
for (const [key, words] of Object.entries(wordKinds)) readers.set(key, wordReader(words.split(' ')));
for (const name of 'CPU FSIZE DATA STACK CORE RSS NOFILE AS NPROC MEMLOCK LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME'.split(' ')) readers.set(`Limit${name}`, (text) => parseProcessLimit(name, text));
add('ExecStart ExecStartPre ExecStartPost ExecCondition ExecReload ExecStop ExecStopPre ExecStopPost', withSpecifiers(parseCommandLines));
add('Description', withSpecifiers(expandSpecifiers));
add('Nice', (text) => parseInteger(text, -20n, 19n));
add('OOMScoreAdjust', (text) => parseInteger(text, -1000n, 1000n));
add('IODeviceLatencyTargetSec', parseDeviceLatencyUsec);
add('ManagedOOMMemoryPressureLimit', parsePermyriad);
add('Environment', withSpecifiers(parseEnvironment));
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
add('ListenStream ListenDatagram ListenSequentialPacket', withSpecifiers((text, specifiers) => parseSocketAddress(expandSpecifiers(text, specifiers))));

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
  const own = Object.hasOwn(sectionsByType, type) ? sectionsByType[type] : undefined;
  const sections = ['Unit', ...(own ?? Object.keys(knownKeys)), 'Install'];
  // In a section that nobody reads, nobody minds how the lines are written.
  const headers = file.nodes.flatMap((node) => (node.kind === 'section' ? [node] : []));
  const found = file.diagnostics.filter(({ code, line }) => {
    const section = headers.findLast((header) => header.line < line)?.section;
    return !['missing-equals', 'missing-key'].includes(code) || section === undefined || sections.includes(section);
  });
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
  const read = systemdSections.has(section) ? readers.get(`${section}/${key}`) ?? readers.get(key) : undefined;
  if (value === '') {
    if (!isKeptWhenEmpty(section, key)) return [];
    return [{ severity: 'error', code: 'bad-value', file, line, column, text, message: `${key}=: Expected a value; an empty one does not set this key back`, suggestion: null }];
  }
  if (read === undefined) return [];
  try {
    read(value);
    return key.startsWith('Exec') ? unknownEscapes(entry) : [];
  } catch (error) {
    if (!(error instanceof UnitValueError)) throw error;
    return [{ severity: 'error', code: 'bad-value', ...entry.place(error.offset), message: `${key}=: ${error.message}`, suggestion: error.suggestion }];
  }
}

/** systemd keeps them as they are, with a line in its log. */
function unknownEscapes(entry: UnitEntry): Diagnostic[] {
  const offset = splitWords(entry.value).filter(({ text }) => text !== '\\;').flatMap((word) => word.unknownEscapes)[0];
  if (offset === undefined) return [];
  return [{
    severity: 'warning', code: 'unknown-escape', ...entry.place(offset), message: `${entry.key}=: Expected an escape sequence such as \\n or \\x41, found ${quote(entry.value.slice(offset, offset + 2))}, which is kept as it is`, suggestion: '\\\\',
  }];
}

function wordReader(words: readonly string[]): (text: string) => void {
  const all = words.filter((word) => word !== 'boolean');
  return (text) => {
    if (all.includes(text)) return;
    if (all.length < words.length) {
      try {
        parseBoolean(text);
        return;
      } catch (error) {
        if (!(error instanceof UnitValueError)) throw error;
      }
    }
    const near = suggest(text, all);
    throw new UnitValueError(`Expected one of ${all.length < words.length ? 'yes, no, ' : ''}${all.join(', ')}, found ${quote(text)}`, near === null ? {} : { suggestion: near });
  };
}
