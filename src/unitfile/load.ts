/** The one file of this library that touches the file system. */
import { readdirSync, readFileSync, readlinkSync, statSync, lstatSync } from 'node:fs';
import type { Diagnostic } from './diagnostic.ts';
import { parseUnit } from './parse.ts';
import type { UnitFile } from './unit-file.ts';
import { dropInNames, splitUnitName, templateOf, type UnitName } from './unit-name.ts';

/** A path that was looked at, and its state then. `null`: there was nothing. */
export interface LoadSource { readonly path: string; readonly mtimeNs: string | null; readonly size: number | null }

export interface LoadedUnit {
  readonly name: string;
  /** Main file first, then drop-ins in the order in which they apply. Empty if there is no main file or it is masked. */
  readonly files: readonly UnitFile[];
  /** The main file is empty or a link to /dev/null: the unit is as if it did not exist. */
  readonly masked: boolean;
  /** Every file and directory whose change may change the result, what does not exist included. */
  readonly sources: readonly LoadSource[];
}

/** A unit file larger than this is not read: systemd stops a single line at 1 MiB. Bytes. */
export const unitFileBytesMax = 1024 * 1024;

/**
 * Finds a unit and its drop-ins as systemd does (`man systemd.unit`): of files of one name the one in the earlier
 * directory counts; an instance without a file of its own is found by its template; drop-ins are the `*.conf` of
 * `NAME.d`, `TEMPLATE@.d`, `PREFIX-.d` and `TYPE.d` in all directories, sorted by file name, one name counting once.
 * Never throws for what is in the files; unreadable ones have a diagnostic.
 *
 * @param dirs highest precedence first
 */
export function loadUnit(name: string, dirs: readonly string[]): LoadedUnit {
  const sources: LoadSource[] = [];
  const unit = splitUnitName(name);
  if (unit === null) return { name, files: [], masked: false, sources };
  const main = findMain(unit, dirs, sources);
  if (main === null) return { name, files: [], masked: false, sources };
  if (isMasked(main)) return { name, files: [], masked: true, sources };
  const files = [readUnitFile(main)];
  for (const path of findDropIns(unit, dirs, sources)) files.push(readUnitFile(path));
  return { name, files, masked: false, sources };
}

/** The state of a path, links followed. */
export function sourceState(path: string): LoadSource {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? { path, mtimeNs: null, size: null } : { path, mtimeNs: String(stat.mtimeNs), size: Number(stat.size) };
}

/** As {@link sourceState}; what may not even be looked at counts as missing here and shows when it is read. */
function look(path: string, sources: LoadSource[]): boolean {
  let state: LoadSource = { path, mtimeNs: null, size: null };
  let exists = false;
  try {
    state = sourceState(path);
    exists = state.mtimeNs !== null;
  } catch {
    exists = true;
  }
  sources.push(state);
  return exists;
}

function findMain(unit: UnitName, dirs: readonly string[], sources: LoadSource[]): string | null {
  const template = templateOf(unit);
  for (const name of template === null ? [unit.name] : [unit.name, template]) {
    for (const dir of dirs) {
      const path = `${dir}/${name}`;
      if (look(path, sources)) return path;
    }
  }
  return null;
}

function findDropIns(unit: UnitName, dirs: readonly string[], sources: LoadSource[]): string[] {
  const names = dropInNames(unit);
  const dropInDirs = [...dirs.flatMap((dir) => names.own.map((name) => `${dir}/${name}.d`)), ...dirs.map((dir) => `${dir}/${names.type}.d`)];
  const byName = new Map<string, string>();
  for (const dir of dropInDirs) {
    if (!look(dir, sources)) continue;
    for (const file of listDirectory(dir)) {
      if (file.endsWith('.conf') && !byName.has(file)) byName.set(file, `${dir}/${file}`);
    }
  }
  const found: string[] = [];
  for (const file of [...byName.keys()].toSorted(compareBytes)) {
    const path = byName.get(file) as string;
    if (look(path, sources) && !isMasked(path)) found.push(path);
  }
  return found;
}

/** strcmp() order, not the language's: UTF-16 order differs only above the basic plane. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function listDirectory(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** An empty file, or a link to /dev/null. */
export function isMasked(path: string): boolean {
  try {
    if (lstatSync(path).isSymbolicLink() && readlinkSync(path) === '/dev/null') return true;
    const stat = statSync(path);
    return stat.size === 0 && (stat.isFile() || stat.isCharacterDevice());
  } catch {
    return false;
  }
}

/** Reads and parses one file; what cannot be read becomes a diagnostic of the whole file. */
export function readUnitFile(path: string): UnitFile {
  let bytes: Buffer;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return unreadable(path, 'unreadable', 'Expected a regular file');
    if (stat.size > unitFileBytesMax) return unreadable(path, 'too-large', `Expected a unit file of at most ${unitFileBytesMax} bytes, found ${stat.size}`);
    bytes = readFileSync(path);
  } catch (error) {
    return unreadable(path, 'unreadable', `Expected a readable file: ${error instanceof Error ? error.message : String(error)}`);
  }
  const text = bytes.toString('utf8');
  const unit = parseUnit(text, path);
  if (Buffer.from(text).equals(bytes)) return unit;
  return { ...unit, diagnostics: [...unit.diagnostics, notUtf8(path, text)] };
}

function notUtf8(file: string, text: string): Diagnostic {
  const at = text.indexOf('\uFFFD');
  const before = text.slice(0, at).split('\n');
  const line = text.split('\n')[before.length - 1] ?? '';
  return {
    severity: 'error', code: 'not-utf-8', file, line: before.length, column: (before.at(-1) ?? '').length + 1, text: line,
    message: 'Expected UTF-8', suggestion: null,
  };
}

function unreadable(file: string, code: string, message: string): UnitFile {
  const diagnostic: Diagnostic = { severity: 'error', code, file, line: 0, column: 0, text: '', message, suggestion: null };
  return { file, nodes: [], entries: [], diagnostics: [diagnostic], print: () => '' };
}
