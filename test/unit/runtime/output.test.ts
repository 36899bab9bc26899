import { openSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorLogLinesMax, logLineBytesMax } from '../../../src/base/limits.ts';
import { makePipe } from '../../../src/linux/fd.ts';
import { closeFd } from '../../../src/linux/libc.ts';
import { Output, splitLines } from '../../../src/runtime/output.ts';
import { closedAfterTest, testPoller } from '../sockets/kit.ts';

function split(chunks: readonly Buffer[]): { lines: string[]; rest: string } {
  const lines: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  for (const chunk of chunks) rest = splitLines(Buffer.concat([rest, chunk]), (line) => lines.push(line.toString('latin1')));
  return { lines, rest: rest.toString('latin1') };
}

describe('lines', () => {
  test.each([
    ['', [], ''],
    ['one\n', ['one'], ''],
    ['one\ntwo', ['one'], 'two'],
    ['\n\n', ['', ''], ''],
    ['a\r\n', ['a\r'], ''],
  ])('%j', (text, lines, rest) => {
    expect(split([Buffer.from(text)])).toEqual({ lines, rest });
  });

  test('are the same however the bytes arrive, and none is lost', () => {
    const bytes = fc.array(fc.oneof(fc.constant(0x0a), fc.integer({ min: 0, max: 255 })), { maxLength: 300 }).map((values) => Buffer.from(values));
    fc.assert(fc.property(fc.array(bytes, { maxLength: 6 }), (chunks) => {
      const whole = Buffer.concat(chunks);
      const { lines, rest } = split(chunks);
      expect([...lines, rest].join('\n')).toBe(whole.toString('latin1'));
      expect(rest).not.toContain('\n');
    }));
  });

  test.each([-1, 0, 1])('a line of the limit and %i bytes', (more) => {
    const long = 'x'.repeat(logLineBytesMax + more);
    const { lines } = split([Buffer.from(`${long}\nnext\n`)]);
    expect(lines.join('')).toBe(`${long}next`);
    expect(lines).toHaveLength(more > 0 ? 3 : 2);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(logLineBytesMax);
  });

  test('without end take no more room than the limit', () => {
    const { lines, rest } = split(Array.from({ length: 20 }, () => Buffer.alloc(64 * 1024, 'y')));
    expect(rest.length).toBeLessThanOrEqual(logLineBytesMax);
    expect(lines.join('').length + rest.length).toBe(20 * 64 * 1024);
  });
});

function followed(): { output: Output; writeEnd: number; seen: string[] } {
  const { readEnd, writeEnd } = makePipe();
  closedAfterTest(writeEnd);
  const output = new Output();
  const seen: string[] = [];
  output.follow(testPoller(), readEnd, 'stderr', (stream, text) => seen.push(`${stream}: ${text}`));
  return { output, writeEnd, seen };
}

describe('a stream', () => {
  test('is read to its end, and what has no newline too', async () => {
    const { output, writeEnd, seen } = followed();
    writeSync(writeEnd, 'first\nsec');
    writeSync(writeEnd, 'ond\nlast');
    closeFd(writeEnd);
    await output.ended();
    expect(seen).toEqual(['stderr: first', 'stderr: second', 'stderr: last']);
  });

  test('ends when its last writer is gone', async () => {
    const { output, writeEnd, seen } = followed();
    closeFd(writeEnd);
    await output.ended();
    expect(seen).toEqual([]);
  });

  test('the last lines are kept', async () => {
    const { output, writeEnd } = followed();
    writeSync(writeEnd, Array.from({ length: errorLogLinesMax + 5 }, (_, index) => `line ${index}\n`).join(''));
    closeFd(writeEnd);
    await output.ended();
    expect(output.lastLines).toHaveLength(errorLogLinesMax);
    expect(output.lastLines.at(-1)).toBe(`line ${errorLogLinesMax + 4}`);
  });

  test('with no stream there is no end to wait for', async () => {
    await new Output().ended();
  });
});

test('what cannot be watched is closed and said, and is not waited for', async () => {
  // A file is always readable: epoll refuses it.
  const fd = openSync('/proc/self/exe', 'r');
  const output = new Output();
  expect(() => output.follow(testPoller(), fd, 'stdout', () => {})).toThrow('EPERM');
  expect(() => closeFd(fd)).toThrow('EBADF');
  await output.ended();
});

test('a stream that says nothing costs no memory for what it might say', () => {
  const output = new Output();
  const poller = testPoller();
  const before = process.memoryUsage().arrayBuffers;
  for (let streams = 0; streams < 50; streams += 1) {
    const { readEnd, writeEnd } = makePipe();
    closedAfterTest(writeEnd);
    output.follow(poller, readEnd, 'stdout', () => {});
  }
  expect((process.memoryUsage().arrayBuffers - before) / 50).toBeLessThan(1024);
});

test('streams that speak at one time do not mix', async () => {
  const all = Array.from({ length: 5 }, followed);
  for (let round = 0; round < 3; round += 1) for (const [index, { writeEnd }] of all.entries()) writeSync(writeEnd, `${index} says `);
  for (const [index, { writeEnd }] of all.entries()) {
    writeSync(writeEnd, `${index}\nlast`);
    closeFd(writeEnd);
  }
  await Promise.all(all.map(({ output }) => output.ended()));
  for (const [index, { seen }] of all.entries()) expect(seen).toEqual([`stderr: ${`${index} says `.repeat(3)}${index}`, 'stderr: last']);
});
