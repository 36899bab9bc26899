import type { Diagnostic } from './diagnostic.ts';
import { quote } from './quote.ts';
import { utf8Length } from './utf8.ts';
import type { Place, UnitEntry, UnitFile, UnitNode } from './unit-file.ts';

/** systemd's LONG_LINE_MAX, in bytes, of a line with its continuation lines. */
export const lineBytesMax = 1024 * 1024;

/** A physical line: [start, end) without its end-of-line, which reaches to `next`. */
interface Line { readonly number: number; readonly start: number; readonly end: number; readonly next: number }
/** A logical line is made of pieces of physical lines; `offset` is where the piece begins in it. */
interface Piece { readonly offset: number; readonly line: Line; readonly column: number }

const byteOrderMark = '\uFEFF';
const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 10 || code === 13;

/**
 * Parses the text of a unit file as systemd does (`man systemd.syntax`, systemd's conf-parser.c), and loses nothing.
 * Never throws: what is wrong is in `diagnostics`. Errors are a broken section header, a NUL and a line above 1 MiB,
 * for which systemd refuses the whole file; warnings are lines that systemd passes over.
 *
 * @param fileName is repeated in entries and diagnostics
 * @example
 * parseUnit('[Container]\nExec=/bin/true\n', 'a.container').entries[0].value // '/bin/true'
 */
export function parseUnit(text: string, fileName: string): UnitFile {
  const nodes: UnitNode[] = [];
  const entries: UnitEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  /** null: before the first header; undefined: under a broken one. */
  let section: string | null | undefined = null;
  const mark = { seen: false };

  const placeOf = (line: Line, column: number): Place =>
    ({ file: fileName, line: line.number, column, text: text.slice(line.start, line.end) });
  const report = (severity: 'error' | 'warning', code: string, place: Place, message: string, suggestion: string | null = null): void => {
    diagnostics.push({ severity, code, ...place, message, suggestion });
  };

  const nul = text.indexOf('\0');
  let line = nextLine(text, 0, 1);
  let nulReported = nul < 0;
  while (line !== null) {
    if (!nulReported && nul < line.next) {
      nulReported = true;
      report('error', 'nul', placeOf(line, nul - line.start + 1), 'Expected text, found a NUL character');
    }
    const first: Line = line;
    // systemd looks for comments first: one after a byte order mark is none.
    const marked = !mark.seen && text[first.start] === byteOrderMark;
    const kind = marked ? 'content' : lineKind(text, first.start, first.end);
    if (kind !== 'content') {
      nodes.push({ kind, raw: text.slice(first.start, first.next) });
      line = nextLine(text, first.next, first.number + 1);
      continue;
    }
    const logical = joinLines(text, first, mark);
    const raw = text.slice(first.start, logical.next);
    if (logical.tooLong) {
      report('error', 'line-too-long', placeOf(first, 1), `Expected a line of at most ${lineBytesMax} bytes with its continuation lines`);
      nodes.push({ kind: 'ignored', raw: text.slice(first.start) });
      break;
    }
    if (!nulReported && nul < logical.next) {
      nulReported = true;
      report('error', 'nul', placeOf(first, 1), 'Expected text, found a NUL character');
    }
    const node = readLogical(logical.text, logical.pieces);
    nodes.push(node === null ? { kind: 'ignored', raw } : { ...node, raw } as UnitNode);
    line = nextLine(text, logical.next, logical.lastNumber + 1);
  }

  return { file: fileName, nodes, entries, diagnostics, print: () => nodes.map((node) => node.raw).join('') };

  /** A header or an assignment; null for a line that means nothing. */
  function readLogical(logical: string, pieces: readonly Piece[]): { kind: 'section'; section: string; line: number } | { kind: 'entry'; entry: UnitEntry } | null {
    const [start, end] = strip(logical, 0, logical.length);
    const at = (offset: number): Place => {
      const piece = pieceAt(pieces, offset);
      return placeOf(piece.line, piece.column + offset - piece.offset);
    };
    if (start === end) return null;
    if (logical[start] === '[') {
      const name = logical.slice(start + 1, end - 1);
      if (logical[end - 1] !== ']' || !isSafe(name)) {
        section = undefined;
        const broken = logical[end - 1] !== ']';
        report('error', 'section-header', at(start), broken
          ? `Expected a section header to end with "]", found ${quote(logical.slice(start, end))}`
          : `Expected a section name without quotes, backslashes and control characters, found ${quote(name)}`,
        broken && !logical.slice(start, end).includes(']') ? `${logical.slice(start, Math.min(end, start + 80))}]` : null);
        return null;
      }
      section = name;
      return { kind: 'section', section: name, line: at(start).line };
    }
    const equals = logical.indexOf('=', start);
    if (equals < 0 || equals >= end) {
      report('warning', 'missing-equals', at(start), `Expected Key=value, found ${quote(logical.slice(start, end))}, which is ignored`);
      return null;
    }
    const [keyStart, keyEnd] = strip(logical, start, equals);
    if (keyStart === keyEnd) {
      report('warning', 'missing-key', at(start), 'Expected a key before "=", the line is ignored');
      return null;
    }
    if (section === undefined) return null;
    const key = logical.slice(keyStart, keyEnd);
    if (section === null) {
      report('warning', 'outside-section', at(start), `Expected a section header such as [Container] before ${quote(key)}, which is ignored`);
      return null;
    }
    const [valueStart, valueEnd] = strip(logical, equals + 1, end);
    const { line, column, text } = at(keyStart);
    const value = logical.slice(valueStart, valueEnd);
    const place = (offset = 0): Place => at(valueStart + Math.max(0, Math.min(offset, value.length)));
    const entry: UnitEntry = { section, key, value, file: fileName, line, column, text, place };
    entries.push(entry);
    return { kind: 'entry', entry };
  }
}

/** Ends of line are LF, CR, and both in either order, as in systemd's read_line(). */
function nextLine(text: string, start: number, number: number): Line | null {
  if (start >= text.length) return null;
  let end = start;
  let code = 0;
  for (; end < text.length; end++) {
    code = text.charCodeAt(end);
    if (code === 10 || code === 13) break;
  }
  if (end === text.length) return { number, start, end, next: end };
  const other = text.charCodeAt(end + 1);
  const pair = (other === 10 || other === 13) && other !== code;
  return { number, start, end, next: end + (pair ? 2 : 1) };
}

function lineKind(text: string, start: number, end: number): 'blank' | 'comment' | 'content' {
  const [first] = strip(text, start, end);
  if (first === end) return 'blank';
  return text[first] === '#' || text[first] === ';' ? 'comment' : 'content';
}

/**
 * Joins what continues with a backslash; comments between are passed over, an empty line ends it. The first line of the file that
 * begins with a byte order mark loses it, wherever it is.
 */
function joinLines(text: string, first: Line, mark: { seen: boolean }): { text: string; pieces: Piece[]; next: number; lastNumber: number; tooLong: boolean } {
  const pieces: Piece[] = [];
  const parts: string[] = [];
  let length = 0;
  let bytes = 0;
  let last: Line = first;
  for (let line: Line | null = first; line !== null; line = nextLine(text, line.next, line.number + 1)) {
    last = line;
    if (line !== first && lineKind(text, line.start, line.end) === 'comment') continue;
    const skip = !mark.seen && text[line.start] === byteOrderMark && line.start < line.end ? 1 : 0;
    if (skip === 1) mark.seen = true;
    const part = text.slice(line.start + skip, line.end);
    pieces.push({ offset: length, line, column: 1 + skip });
    bytes += part.length * 3 > lineBytesMax - bytes ? utf8Length(part) : part.length * 3;
    if (bytes > lineBytesMax) {
      // The cheap upper bound above says too long: count what it really is.
      bytes = utf8Length(part);
      for (const earlier of parts) bytes += utf8Length(earlier);
      if (bytes > lineBytesMax) return { text: '', pieces, next: line.next, lastNumber: line.number, tooLong: true };
    }
    length += part.length;
    if (!endsInEscape(part)) {
      parts.push(part);
      break;
    }
    parts.push(`${part.slice(0, -1)} `);
  }
  return { text: parts.join(''), pieces, next: last.next, lastNumber: last.number, tooLong: false };
}

/** An odd number of backslashes at the end: the line goes on with the next. */
export function endsInEscape(part: string): boolean {
  let count = 0;
  while (part.charCodeAt(part.length - 1 - count) === 92) count++;
  return count % 2 === 1;
}

function strip(text: string, start: number, end: number): [number, number] {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return [start, end];
}

/** systemd's string_is_safe(). */
function isSafe(name: string): boolean {
  return !/[\u0001-\u001f\u007f"'\\]/.test(name);
}

function pieceAt(pieces: readonly Piece[], offset: number): Piece {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pieces[middle] as Piece).offset <= offset) low = middle;
    else high = middle - 1;
  }
  return pieces[low] as Piece;
}
