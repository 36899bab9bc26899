import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineBytesMax, mergeUnits, parseUnit } from '../../../src/unitfile/index.ts';

const values = (text: string): [string, string, string][] => parseUnit(text, 'x').entries.map(({ section, key, value }) => [section, key, value]);
const codes = (text: string): string[] => parseUnit(text, 'x').diagnostics.map(({ code }) => code);

/** Text in which what matters to the syntax is frequent. */
const unitText = fc.array(fc.oneof(
  fc.constantFrom('[A]', '[', ']', '=', '\\', '\\\n', '\n', '\r\n', '\r', '\n\r', '#', ';', ' ', '\t', 'Key', 'Key=value', '"', "'", '\0', '\uFEFF', '[A\n', '\\\r\n# c\n'),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
), { maxLength: 60 }).map((parts) => parts.join(''));

test('parse and print gives the same text, and nothing throws', () => {
  fc.assert(fc.property(unitText, (text) => {
    expect(parseUnit(text, 'x').print()).toBe(text);
  }), { numRuns: 3_000 });
});

test('each entry\'s places point at what they say', () => {
  fc.assert(fc.property(unitText, (text) => {
    for (const entry of parseUnit(text, 'x').entries) {
      expect(entry.text.startsWith(entry.key[0] as string, entry.column - 1)).toBe(true);
      for (let i = 0; i < entry.value.length; i++) {
        const { text: line, column } = entry.place(i);
        const there = line[column - 1];
        // A backslash at the end of a line has become a space.
        if (there !== '\\' || entry.value[i] !== ' ') expect(there).toBe(entry.value[i]);
      }
    }
  }), { numRuns: 1_000 });
});

test.each<[string, [string, string, string][]]>([
  ['[A]\nB=c\n', [['A', 'B', 'c']]],
  [' [A] \n  B  =  c = d  \n', [['A', 'B', 'c = d']]],
  ['\uFEFF[A]\r\nB=c\r\nD=\r\n', [['A', 'B', 'c'], ['A', 'D', '']]],
  ['[A]\nB=c \\\n# no\n  ; no\n d \\\n e\nF=g', [['A', 'B', 'c   d   e'], ['A', 'F', 'g']]],
  ['[A]\nB=c\\\n\nD=e', [['A', 'B', 'c'], ['A', 'D', 'e']]],
  ['[A]\nB=c\\\\\nD=e', [['A', 'B', 'c\\\\'], ['A', 'D', 'e']]],
  ['[A]\n# B=1\\\nC=2', [['A', 'C', '2']]],
  ['[A]\rB=1\n\rC=2', [['A', 'B', '1'], ['A', 'C', '2']]],
  ['[A]\nB=1\\', [['A', 'B', '1']]],
  ['[A]\nB=1\n[X]\nC=2\n[A]\nB=3', [['A', 'B', '1'], ['X', 'C', '2'], ['A', 'B', '3']]],
])('%j', (text, expected) => {
  expect(values(text)).toEqual(expected);
  expect(codes(text)).toEqual([]);
});

test.each([
  ['[A\nB=c\n', ['section-header']],
  ['[A"]\n', ['section-header']],
  ['B=c\n', ['outside-section']],
  ['[A]\nnonsense\n', ['missing-equals']],
  ['[A]\n = c\n', ['missing-key']],
  ['[A]\nB=\0\n', ['nul']],
  [`[A]\nB=${'x'.repeat(lineBytesMax)}\nC=1`, ['line-too-long']],
])('%# has a diagnostic', (text, expected) => expect(codes(text)).toEqual(expected));

test('a diagnostic has its place and the line', () => {
  expect(parseUnit('[A]\n  nonsense\n', 'f').diagnostics[0]).toMatchObject({
    severity: 'warning', file: 'f', line: 2, column: 3, text: '  nonsense', message: 'Expected Key=value, found "nonsense", which is ignored',
  });
});

test('lines count as long as their bytes, continuations together', () => {
  const half = 'ä'.repeat(lineBytesMax / 4 - 4);
  expect(codes(`[A]\nB=${half}\\\n${half}`)).toEqual([]);
  expect(codes(`[A]\nB=${half}\\\n${half}\\\nxxxxxxxxxxxxxxxxxxxx`)).toEqual(['line-too-long']);
});

/** Each takes well under a second if the time is linear, and the runner's timeout if it is not. */
test.each(['[', ']', '"', '\\', '\\\n', '#\n', '\\\n#\n', '=', 'a=b\n', '\r', '\n\r\\', ' '])('megabytes of %j', { timeout: 60_000 }, (part) => {
  // Many small entries cost memory rather than time that grows: a tenth says as much.
  const length = part.includes('\n') || part === '\r' ? 1_000_000 : 10_000_000;
  const text = `[A]\nB=${part.repeat(length / part.length)}`;
  expect(parseUnit(text, 'x').print() === text).toBe(true);
});

test('merging: later files win, lists go on, an empty assignment resets', () => {
  const unit = mergeUnits([parseUnit('[A]\nL=1\nL=2\nS=a\nT=x', 'main'), parseUnit('[A]\nL=\nL=3\nS=b\nT=', 'd1'), parseUnit('[A]\nL=4', 'd2')]);
  expect(unit.all('A', 'L').map(({ value, file }) => [value, file])).toEqual([['3', 'd1'], ['4', 'd2']]);
  expect(unit.last('A', 'S')?.value).toBe('b');
  expect(unit.last('A', 'T')).toBeNull();
  expect(unit.all('B', 'L')).toEqual([]);
});
