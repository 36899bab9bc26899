/** Every function of the library that is given text, by the name of its export. */
import { expect } from 'vitest';
import * as unitfile from '../../src/unitfile/index.ts';
import { UnitValueError } from '../../src/unitfile/index.ts';

const {
  addKey, changeEntry, checkUnit, dropInNames, escapePath, escapeSpecifiers, escapeUnitName, expandCommand, expandSpecifiers, formatCalendarEvent, formatCommandLine, formatUnit, getBoolean, getCommandLines, getEnvironment,
  getInteger, getSizeBytes, getText, getTimeSpanMs, getWords, instanceName, isPercentage,
  isUnitName, mergeUnits, nameSpecifiers, nextElapse, parseBoolean, parseCalendarEvent, parseCommandLines, parseCpuQuotaUsec, parseCpuSet, parseCpuWeight, parseDeviceBandwidth, parseDeviceIops,
  parseDeviceLatencyUsec, parseDeviceWeight, parseEnvironment, parseEnvironmentFile, parseExitStatus, parseExitStatusSet, parseInteger, parseIpPrefix, parseIpPrefixes, parseIpv4, parseIpv6, parseMemoryAmount,
  parseMode, parsePermyriad, parsePort, parseProcessLimit, parseSignal, parseSignalNumber, parseSizeBytes, parseSocketAddress, parseTasksAmount, parseTimeSpanMs, parseTimeSpanUsec, parseUnit, parseWeight, quote,
  quoteWord, quoteWords, removeKey, setKey, simplifyPath, splitUnitName, splitWords, suggest, templateOf, unescapePath, unescapeUnitName, quadletSearchPath, unitSearchPath, unitSpecifiers,
} = unitfile;

type Read = (text: string) => unknown;
const named = <T>(text: string, read: (unit: NonNullable<ReturnType<typeof splitUnitName>>) => T): T | null => {
  const unit = splitUnitName(text);
  return unit === null ? null : read(unit);
};
const service = (text: string) => parseUnit(text, 'a.service');

export const readers: Readonly<Record<string, Read>> = {
  addKey: (text) => addKey(service(text), 'Service', 'ExecStart', '/bin/true'),
  changeEntry: (text) => service(text).entries.slice(0, 1).map((entry) => changeEntry(service(text), entry, 'x') && null),
  checkUnit: (text) => checkUnit(service(text), 'service'),
  dropInNames: (text) => named(text, dropInNames),
  escapePath, escapeSpecifiers, escapeUnitName,
  expandCommand: (text) => parseCommandLines(text).map((command) => expandCommand(command, { A: 'b "c d" \\' })),
  expandSpecifiers: (text) => expandSpecifiers(text, { i: 'x' }),
  formatCalendarEvent: (text) => formatCalendarEvent(parseCalendarEvent(text)),
  formatCommandLine: (text) => formatCommandLine(['/bin/true', text]),
  formatUnit: (text) => formatUnit([['Service', [['Environment', text]]]]),
  ...Object.fromEntries(Object.entries({ getBoolean, getCommandLines, getEnvironment, getInteger, getSizeBytes, getText, getTimeSpanMs, getWords }).map(([name, get]) =>
    [name, (text: string) => get(mergeUnits([service(`[Service]\nKey=${text}`)]), 'Service', 'Key')])),
  instanceName: (text) => instanceName('a@.service', text),
  isPercentage, isUnitName,
  mergeUnits: (text) => mergeUnits([service(text), service(text)]).last('Service', 'ExecStart'),
  nameSpecifiers: (text) => named(text, nameSpecifiers),
  nextElapse: (text) => nextElapse(parseCalendarEvent(text), 0, 'UTC'),
  parseBoolean, parseCalendarEvent, parseCommandLines, parseCpuQuotaUsec, parseCpuSet, parseCpuWeight, parseDeviceBandwidth, parseDeviceIops, parseDeviceLatencyUsec, parseDeviceWeight,
  parseEnvironment, parseEnvironmentFile, parseExitStatus, parseExitStatusSet,
  parseInteger: (text) => parseInteger(text, 0n, 2n ** 64n),
  parseIpPrefix, parseIpPrefixes, parseIpv4, parseIpv6,
  parseMemoryAmount: (text) => parseMemoryAmount(text, 'allowed'),
  parseMode, parsePermyriad, parsePort,
  parseProcessLimit: (text) => parseProcessLimit('RTTIME', text),
  parseSignal, parseSignalNumber, parseSizeBytes, parseSocketAddress, parseTasksAmount, parseTimeSpanMs, parseTimeSpanUsec,
  parseUnit: (text) => expect(service(text).print() === text).toBe(true),
  parseWeight, quote, quoteWord,
  quoteWords: (text) => quoteWords([text, text]),
  quadletSearchPath: (text) => quadletSearchPath({ manager: 'user', environment: { HOME: text, XDG_CONFIG_HOME: text, XDG_RUNTIME_DIR: text } }),
  removeKey: (text) => removeKey(service(text), 'Service', 'ExecStart'),
  setKey: (text) => setKey(service(text), 'Service', 'ExecStart', ['/bin/true', text]),
  simplifyPath, splitUnitName,
  splitWords: (text) => splitWords(text),
  suggest: (text) => suggest(text, ['ExecStart', text]),
  templateOf: (text) => named(text, templateOf),
  unescapePath, unescapeUnitName,
  unitSearchPath: (text) => unitSearchPath({ manager: 'user', environment: { HOME: text, XDG_CONFIG_DIRS: `/${text}`, XDG_DATA_DIRS: `/${text}` } }),
  unitSpecifiers: (text) => unitSpecifiers({ fragmentPath: text, host: { hostName: text } }),
};

/** Reads; what the library throws of a text is its own error, and says where in the text. */
export function attempt(read: Read, text: string): void {
  try {
    read(text);
  } catch (error) {
    if (!(error instanceof UnitValueError)) throw error;
    expect(error.offset).toBeLessThanOrEqual(text.length);
  }
}

/** Of these, repeated, are the texts that make a careless parser slow. */
export const pieces = ['[', ']', '[A]\n', '"', "'", '\\', '\\\n', '\n', '\r', '#\n', ';', '=', 'a=b\n', ' ', '\t', '%', '%%', '%i', '$', '${A}', '$A ', '0', '1', '-', '..', ',', ':', '/', '~', '*', '.', '@', '+', '!', 'a', 'é', '\ud800', '\uFEFF', '\0',
  '1s', '1K ', '::', '\\x41', '\\u', 'A=b ', 'Mon,', '1,', '/a ', 'any ', 'TERM ', '[::', ' UTC', '""', '\\ ', 'x'.repeat(16)];
