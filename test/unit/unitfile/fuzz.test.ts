/**
 * No input makes a reader throw anything but its own error, or take more than linear time. Findings are kept in test/corpus.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkUnit, escapeUnitName, expandCommand, expandSpecifiers, mergeUnits, parseBoolean, parseCalendarEvent, parseCommandLines, parseCpuSet, parseDeviceBandwidth, parseEnvironment,
  parseEnvironmentFile, parseExitStatusSet, parseInteger, parseIpPrefixes, parseMemoryAmount, parseMode, parsePermyriad, parseProcessLimit, parseSignal, parseSize, parseSocketAddress,
  parseTasksAmount, parseTimeSpanUsec, parseUnit, quoteWord, setKey, splitWords, unescapePath, unescapeUnitName, UnitValueError,
} from '../../../src/unitfile/index.ts';

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  boolean: parseBoolean, calendar: parseCalendarEvent, command: (text) => parseCommandLines(text).map((command) => expandCommand(command, { A: 'b "c d" \\' })),
  cpuSet: parseCpuSet, device: parseDeviceBandwidth, environment: parseEnvironment, environmentFile: parseEnvironmentFile, exitStatus: parseExitStatusSet,
  integer: (text) => parseInteger(text, 0n, 2n ** 64n), ipPrefixes: parseIpPrefixes, memory: (text) => parseMemoryAmount(text, 'allowed'), mode: parseMode, percent: parsePermyriad,
  limit: (text) => parseProcessLimit('RTTIME', text), signal: parseSignal, size: parseSize, socketAddress: parseSocketAddress, specifiers: (text) => expandSpecifiers(text, { i: 'x' }),
  tasks: parseTasksAmount, timeSpan: (text) => parseTimeSpanUsec(text), words: (text) => splitWords(text), strictWords: (text) => splitWords(text, 'refuse'), quoteWord,
  escape: escapeUnitName, unescape: unescapeUnitName, unescapePath,
  unit: (text) => {
    const unit = parseUnit(text, 'a.service');
    expect(unit.print()).toBe(text);
    mergeUnits([unit]);
    checkUnit(unit, 'service');
    return setKey(unit, 'Service', 'ExecStart', '/bin/true');
  },
};

function attempt(read: (text: string) => unknown, text: string): void {
  try {
    read(text);
  } catch (error) {
    if (!(error instanceof UnitValueError)) throw error;
    expect(error.offset).toBeLessThanOrEqual(text.length);
  }
}

const parts = ['[', ']', '[A]\n', '"', "'", '\\', '\\\n', '\n', '\r', '#\n', ';', '=', 'a=b\n', ' ', '\t', '%', '%%', '%i', '$', '${A}', '$A ', '0', '1', '-', '..', ',', ':', '/', '~', '*', '.', '@', '+', '!', 'a', 'é', '\ud800', '\uFEFF', '\0', '1s', '1K ', '::', '\\x41', '\\u', 'A=b ', 'Mon,', '1,', '/a ', 'any ', 'TERM ', '[::', ' UTC', 'x'.repeat(16)];

describe('anything, by anyone', () => {
  test.each(Object.entries(readers))('%s', (_name, read) => {
    const text = fc.array(fc.oneof(fc.constantFrom(...parts), fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 30 }).map((all) => all.join(''));
    fc.assert(fc.property(text, (found) => attempt(read, found)), { numRuns: Number(process.env['WAKESOCK_FUZZ_RUNS'] ?? 1_000) });
  });

  test('findings of the past', () => {
    const corpus = new URL('../../corpus/', import.meta.url);
    const names = readdirSync(corpus, { withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) for (const read of Object.values(readers)) attempt(read, readFileSync(new URL(name, corpus), 'utf8'));
  });
});

/** Linear, each takes a fraction of a second; quadratic, it takes minutes or, at the campaign's 10 MB, days. */
describe('no more than linear time', () => {
  const length = Number(process.env['WAKESOCK_FUZZ_LENGTH'] ?? 200_000);
  test.each(Object.entries(readers))('%s', { timeout: 40_000 * Math.max(1, length / 400_000) }, (_name, read) => {
    for (const part of parts) {
      const text = part.repeat(Math.ceil(length / part.length));
      for (const whole of [text, `[Service]\nExecStart=/a ${text}`]) attempt(read, whole);
    }
  });
});
