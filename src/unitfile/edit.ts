/** Changes of a unit file that keep everything else as it was: comments, order, spacing, ends of line. */
import { endsInEscape, lineBytesMax, parseUnit } from './parse.ts';
import { quote } from './quote.ts';
import type { UnitEntry, UnitFile, UnitNode } from './unit-file.ts';
import { UnitValueError } from './value-error.ts';
import { utf8Length } from './utf8.ts';

/**
 * Makes a key of a section hold exactly these values, in this order. Assignments that are there are rewritten in their
 * places, surplus ones are removed, further ones follow the last; a section that is missing is added at the end.
 * `''` is an empty assignment, which in a drop-in resets what came before. No values: the key is removed.
 *
 * @returns the changed file, read anew; the file given is not changed
 * @throws UnitValueError for a section, key or value that cannot stand in a unit file
 * @example
 * setKey(parseUnit('[Socket]\n# why\nBacklog=128\n', 'a.socket'), 'Socket', 'Backlog', '4096').print() // '[Socket]\n# why\nBacklog=4096\n'
 */
export function setKey(unit: UnitFile, section: string, key: string, values: string | readonly string[]): UnitFile {
  const wanted = typeof values === 'string' ? [values] : values;
  assertSection(section);
  assertKey(key);
  for (const value of wanted) assertValue(value);
  const raws = unit.nodes.map((node) => node.raw);
  let next = 0;
  let last = -1;
  for (const [i, node] of unit.nodes.entries()) {
    if (node.kind !== 'entry' || node.entry.section !== section || node.entry.key !== key) continue;
    const value = wanted[next++];
    raws[i] = value === undefined ? commentsOf(node) : rewritten(node, value);
    if (value !== undefined) last = i;
  }
  const added = wanted.slice(Math.min(next, wanted.length)).map((value) => `${key}=${value}`);
  if (added.length === 0) return parseUnit(raws.join(''), unit.file);
  const after = last >= 0 ? last : endOfSection(unit.nodes, section);
  return after < 0 ? append(unit, raws, [`[${section}]`, ...added]) : insert(unit, raws, after, added);
}

/**
 * Adds an assignment after the last one of the same key, else at the end of the section.
 * @throws UnitValueError as {@link setKey}
 */
export function addKey(unit: UnitFile, section: string, key: string, value: string): UnitFile {
  return setKey(unit, section, key, [...unit.entries.filter((entry) => entry.section === section && entry.key === key).map((entry) => entry.value), value]);
}

/** Removes all assignments of a key; comments stay. */
export function removeKey(unit: UnitFile, section: string, key: string): UnitFile {
  return setKey(unit, section, key, []);
}

/**
 * Rewrites one assignment of `unit.entries`, or removes it (`null`).
 * @throws UnitValueError for a value that cannot stand in a unit file, and for an entry of another file
 */
export function changeEntry(unit: UnitFile, entry: UnitEntry, value: string | null): UnitFile {
  if (value !== null) assertValue(value);
  let found = false;
  const raws = unit.nodes.map((node) => {
    if (node.kind !== 'entry' || node.entry !== entry) return node.raw;
    found = true;
    return value === null ? commentsOf(node) : rewritten(node, value);
  });
  if (!found) throw new UnitValueError(`Expected an assignment of ${unit.file}, found one of ${entry.file}`);
  return parseUnit(raws.join(''), unit.file);
}

/**
 * Writes a unit file from nothing.
 * @throws UnitValueError for a section, key or value that cannot stand in a unit file
 * @example
 * formatUnit([['Socket', [['ListenStream', '8080'], ['Accept', 'no']]]]) // '[Socket]\nListenStream=8080\nAccept=no\n'
 */
export function formatUnit(sections: readonly (readonly [section: string, entries: readonly (readonly [key: string, value: string])[]])[]): string {
  return sections.map(([section, entries]) => {
    assertSection(section);
    const lines = entries.map(([key, value]) => {
      assertKey(key);
      assertValue(value);
      return `${key}=${value}\n`;
    });
    return `[${section}]\n${lines.join('')}`;
  }).join('\n');
}

/** The node with another value; what stands between its continuation lines as comments moves before it. */
function rewritten(node: UnitNode & { kind: 'entry' }, value: string): string {
  const { raw, entry } = node;
  const mark = raw.startsWith('\uFEFF') ? '\uFEFF' : '';
  const head = /^\uFEFF?([ \t]*)([^=]*?)([ \t]*=[ \t]*)/.exec(raw);
  const start = head !== null && head[2] === entry.key ? `${head[1]}${head[2]}${value === '' ? (head[3] as string).trimEnd() : head[3]}` : `${entry.key}=`;
  const comments = commentsOf(node);
  return `${mark}${comments.slice(mark.length)}${start}${value}${endOfLine(raw)}`;
}

/** The comment lines within a node, and its byte order mark: what is left when its assignment is removed. */
function commentsOf(node: UnitNode): string {
  const mark = node.raw.startsWith('\uFEFF') ? '\uFEFF' : '';
  const lines = node.raw.slice(mark.length).match(/[^\r\n]*(?:\r\n|\n\r|\n|\r|$)/g) ?? [];
  const comments = lines.filter((line) => /^[ \t]*[#;]/.test(line));
  return mark + comments.join('');
}

const endOfLine = (raw: string): string => /(?:\r\n|\n\r|\n|\r)?$/.exec(raw)?.[0] ?? '';

/** Where to insert at the end of a section: its last assignment or header. -1 without the section. */
function endOfSection(nodes: readonly UnitNode[], section: string): number {
  let inside = false;
  let found = -1;
  for (const [i, node] of nodes.entries()) {
    if (node.kind === 'section') inside = node.section === section;
    if (inside && (node.kind === 'section' || node.kind === 'entry')) found = i;
  }
  return found;
}

function insert(unit: UnitFile, raws: readonly string[], after: number, lines: readonly string[]): UnitFile {
  const eol = endOfLine((unit.nodes.find((node) => endOfLine(node.raw) !== '') ?? { raw: '\n' }).raw);
  const before = closed(raws.slice(0, after + 1).join(''), eol);
  return parseUnit(before + lines.map((line) => line + eol).join('') + raws.slice(after + 1).join(''), unit.file);
}

function append(unit: UnitFile, raws: readonly string[], lines: readonly string[]): UnitFile {
  const eol = endOfLine((unit.nodes.find((node) => endOfLine(node.raw) !== '') ?? { raw: '\n' }).raw);
  const before = closed(raws.join(''), eol);
  const gap = before.trim() === '' || unit.nodes.at(-1)?.kind === 'blank' ? '' : eol;
  return parseUnit(before + gap + lines.map((line) => line + eol).join(''), unit.file);
}

/** Text after which a new line can begin: ended, and not continued at the end of the file. */
function closed(text: string, eol: string): string {
  const last = /(?<=^|[\r\n])(?![ \t]*[#;])[^\r\n]+(?=(?:(?:\r\n|\n\r|\n|\r)[ \t]*[#;][^\r\n]*)*(?:\r\n|\n\r|\n|\r)?$)/.exec(text.slice(-lineBytesMax));
  let fixed = text;
  if (last !== null && endsInEscape(last[0])) {
    const end = text.length - Math.min(text.length, lineBytesMax) + last.index + last[0].length;
    fixed = text.slice(0, end - 1) + text.slice(end);
    // Nothing is left of the line: an empty one must stay, or the line before is continued.
    if (end === text.length && /[\r\n]$/.test(fixed)) fixed += eol;
  }
  return fixed === '' || /[\r\n]$/.test(fixed) ? fixed : fixed + eol;
}

function assertSection(section: string): void {
  if (/[\u0000-\u001f\u007f"'\\]/.test(section)) throw new UnitValueError(`Expected a section name without quotes, backslashes and control characters, found ${quote(section)}`);
}

function assertKey(key: string): void {
  if (!/^[^\s#;[=\uFEFF\0](?:[^=\r\n\0]*[^\s=\0])?$/.test(key)) throw new UnitValueError(`Expected a key, found ${quote(key)}`);
}

/** What a line of a unit file cannot hold; quoting (`quoteWord`) can say all but NUL in other words. */
function assertValue(value: string): void {
  const bad = /[\r\n\0]/.exec(value);
  if (bad !== null) throw new UnitValueError('Expected a value of one line without NUL: write it quoted, with escape sequences', { offset: bad.index });
  if (/^[ \t]|[ \t]$/.test(value)) throw new UnitValueError(`Expected a value without spaces around it, which would be lost, found ${quote(value)}`);
  if (endsInEscape(value)) throw new UnitValueError('Expected a value that does not end in a backslash, which would continue the line', { offset: value.length - 1 });
  if (!value.isWellFormed()) throw new UnitValueError('Expected text that can be written as UTF-8');
  if (utf8Length(value) > lineBytesMax / 2) throw new UnitValueError(`Expected a value of at most ${lineBytesMax / 2} bytes`);
}
