import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addKey, changeEntry, formatUnit, parseUnit, removeKey, setKey, UnitValueError, type UnitFile } from '../../../src/unitfile/index.ts';

const text = '# head\r\n[A]\r\n; why\r\n  One = 1 \r\nTwo=x \\\r\n# between\r\n  y\r\n\r\n[B]\r\nOne=other\r\n';
const set = (from: string, section: string, key: string, values: string | string[]): string => setKey(parseUnit(from, 'f'), section, key, values).print();

test.each<[string, string, string, string, string | string[], string]>([
  ['a value in its place', text, 'A', 'One', '2', text.replace('= 1 ', '= 2')],
  ['comments between continuation lines', text, 'A', 'Two', 'z', text.replace('Two=x \\\r\n# between\r\n  y', '# between\r\nTwo=z')],
  ['a key is removed, comments stay', text, 'A', 'Two', [], text.replace('Two=x \\\r\n# between\r\n  y', '# between')],
  ['more than there were', '[A]\nL=1\nM=2\nL=3\n# end\n', 'A', 'L', ['4', '5', '6'], '[A]\nL=4\nM=2\nL=5\nL=6\n# end\n'],
  ['fewer than there were', '[A]\nL=1\nM=2\nL=3\n', 'A', 'L', ['4'], '[A]\nL=4\nM=2\n'],
  ['a new key', text, 'A', 'New', 'n', text.replace('  y\r\n', '  y\r\nNew=n\r\n')],
  ['a new section', text, 'C', 'New', 'n', `${text}\r\n[C]\r\nNew=n\r\n`],
  ['an empty file', '', 'C', 'New', ['', 'n'], '[C]\nNew=\nNew=n\n'],
  ['no end of line', '[A]\nB=1', 'A', 'C', '2', '[A]\nB=1\nC=2\n'],
  ['continued at the end of the file', '[A]\nB=1\\', 'A', 'C', '2', '[A]\nB=1\nC=2\n'],
  ['continued at the end, comments after', '[A]\nB=1 \\\n# c\n', 'A', 'C', '2', '[A]\nB=1 \n# c\nC=2\n'],
  ['continued by a line of nothing else', '[A]\nB=1\\\n\\', 'A', 'C', '2', '[A]\nB=1\\\n\nC=2\n'],
  ['a byte order mark', '\uFEFF[A]\nB=1\n', 'A', 'B', '2', '\uFEFF[A]\nB=2\n'],
  ['the key is there twice in the file, under two headers', '[A]\nB=1\n[C]\nB=2\n[A]\nB=3\n', 'A', 'B', 'x', '[A]\nB=x\n[C]\nB=2\n[A]\n'],
])('%s', (_name, from, section, key, values, expected) => expect(set(from, section, key, values)).toBe(expected));

test('one entry of many', () => {
  const unit = parseUnit('[A]\nL=1\nL=2\n', 'f');
  const second = unit.entries[1] as (typeof unit.entries)[number];
  expect(changeEntry(unit, second, '3').print()).toBe('[A]\nL=1\nL=3\n');
  expect(changeEntry(unit, second, null).print()).toBe('[A]\nL=1\n');
  expect(() => changeEntry(parseUnit('', 'g'), second, '3')).toThrow(UnitValueError);
});

test('adding and removing', () => {
  const unit = parseUnit('[A]\nL=1\nM=2\n', 'f');
  expect(addKey(unit, 'A', 'L', '3').print()).toBe('[A]\nL=1\nL=3\nM=2\n');
  expect(removeKey(addKey(unit, 'A', 'L', '3'), 'A', 'L').print()).toBe('[A]\nM=2\n');
});

test.each([['A', 'B', 'x\ny'], ['A', 'B', 'x\0'], ['A', 'B', ' x'], ['A', 'B', 'x\\'], ['A\n', 'B', 'x'], ['A"', 'B', 'x'], ['A', '', 'x'], ['A', 'B=C', 'x'], ['A', '#B', 'x'], ['A', '[B', 'x'], ['A', ' B', 'x'], ['A', 'B', '\ud800']])(
  'refused: [%s] %s=%j', (section, key, value) => {
    expect(() => setKey(parseUnit('', 'f'), section, key, value)).toThrow(UnitValueError);
    expect(() => formatUnit([[section, [[key, value]]]])).toThrow(UnitValueError);
  });

/** Text in which what matters to the syntax is frequent. */
const unitText = fc.array(fc.oneof(
  fc.constantFrom('[A]\n', '[B]\n', '[', '\\', '\\\n', '\n', '\r\n', '\r', '# c\n', ';c\\\n', ' ', 'K=v\n', 'K = v \\\n w\n', 'L=\n', 'K', '=', '\uFEFF'),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
), { maxLength: 40 }).map((parts) => parts.join(''));
const value = fc.oneof(fc.constantFrom('', 'x', 'a b', '"q"', '\\\\', '# no', '[z]', '=', '\uFEFF'), fc.string({ unit: 'grapheme', maxLength: 8 }))
  .filter((found) => !/[\r\n\0]|^[ \t]|[ \t]$|\\$/.test(found) && found.isWellFormed());

const others = (unit: UnitFile, section: string, key: string) =>
  unit.entries.filter((entry) => entry.section !== section || entry.key !== key).map((entry) => [entry.section, entry.key, entry.value]);
const comments = (unit: UnitFile) => unit.print().split(/[\r\n]+/).filter((line) => /^[ \t]*[#;]/.test(line)).map((line) => line.trim());

test('whatever the file: the key has the values, all else is as it was, every comment stays', () => {
  fc.assert(fc.property(unitText, fc.constantFrom('A', 'B', 'C'), fc.constantFrom('K', 'L', 'New'), fc.array(value, { maxLength: 4 }), (from, section, key, values) => {
    const before = parseUnit(from, 'f');
    const after = setKey(before, section, key, values);
    expect(after.entries.filter((entry) => entry.section === section && entry.key === key).map((entry) => entry.value)).toEqual(values);
    expect(others(after, section, key)).toEqual(others(before, section, key));
    for (const comment of comments(before)) expect(comments(after)).toContain(comment);
    expect(setKey(after, section, key, values).print()).toBe(after.print());
  }), { numRuns: Number(process.env['WAKESOCK_FUZZ_RUNS'] ?? 3_000) });
});

test('what is written is read again', () => {
  const entries = fc.array(fc.tuple(fc.constantFrom('A', 'Key', 'X-Y'), value));
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('S', 'T', 'Long name'), entries)), (sections) => {
    const unit = parseUnit(formatUnit(sections), 'f');
    expect(unit.diagnostics).toEqual([]);
    expect(unit.entries.map((entry) => [entry.section, entry.key, entry.value])).toEqual(sections.flatMap(([section, list]) => list.map(([key, found]) => [section, key, found])));
  }));
});
