/** The one file of this library that touches the file system. */
import { readdirSync, readFileSync, readlinkSync, statSync, lstatSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Diagnostic } from './diagnostic.ts';
import { parseUnit } from './parse.ts';
import type { UnitFile } from './unit-file.ts';
import { dropInNames, instanceName, splitUnitName, templateOf, type UnitName } from './unit-name.ts';

/** A path that was looked at, and its state then. `null`: there was nothing. */
export interface LoadSource { readonly path: string; readonly mtimeNs: string | null; readonly size: number | null }

export interface LoadedUnit {
  /** The name asked for. */
  readonly name: string;
  /** The unit's own name: another where `name` is an alias, a link to a file of that name. */
  readonly id: string;
  /** `id`, `name`, and with an index all other aliases: their drop-ins count, too. */
  readonly names: readonly string[];
  /** Main file first, then drop-ins in the order in which they apply. Empty if there is no main file or it is masked. */
  readonly files: readonly UnitFile[];
  /** The main file is empty or a link to /dev/null: the unit is as if it did not exist. */
  readonly masked: boolean;
  /** Every file and directory whose change may change the result, what does not exist included. */
  readonly sources: readonly LoadSource[];
}

/** The links of a search path, read once for many units: see {@link indexAliases}. */
export interface AliasIndex {
  /** By the name of the file: the names of the links that lead to it. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  /** Of all files and directories. */
  readonly names: ReadonlySet<string>;
}

/** A unit file larger than this is not read: systemd stops a single line at 1 MiB. Bytes. */
export const unitFileBytesMax = 1024 * 1024;
/** Links that lead to links: systemd follows as many. */
const aliasDepthMax = 16;

/**
 * Finds a unit and its drop-ins as systemd does (`man systemd.unit`): of files of one name the one in the earlier
 * directory counts; a link to another name within the search path is an alias; an instance without a file of its own is found by its
 * template; drop-ins are the `*.conf` of `NAME.d`, `TEMPLATE@.d`, `PREFIX-.d` and `TYPE.d` in all directories, sorted by file name,
 * one name counting once. Never throws for what is in the files; unreadable ones have a diagnostic.
 *
 * Drop-ins of aliases count for the unit, and only reading whole directories tells which aliases there are: give `index` for that.
 *
 * @param dirs highest precedence first
 */
export function loadUnit(name: string, dirs: readonly string[], index?: AliasIndex): LoadedUnit {
  const sources: LoadSource[] = [];
  const unit = splitUnitName(name);
  const template = unit === null ? null : templateOf(unit);
  const found = unit === null ? null : follow(name, dirs, sources) ?? (template === null ? null : follow(template, dirs, sources));
  if (found === null || isMasked(found.path)) return { name, id: name, names: [name], files: [], masked: found !== null, sources };
  const file = basename(found.path);
  const instanced = (each: string): string | null => (each.includes('@.') ? instanceName(each, unit?.instance ?? '') ?? each : each);
  const id = unit?.instance === '' ? file : instanced(file) ?? name;
  const aliases = index === undefined ? found.passed : [...(index.aliases.get(file) ?? []), ...(index.aliases.get(name) ?? [])];
  // A template's alias is one of its instance unless that name has a file of its own.
  const nameOfAlias = (alias: string): string | null => {
    const each = unit?.instance === '' ? alias : instanced(alias);
    return each !== alias && index?.names.has(each ?? '') === true ? null : each;
  };
  const names = [...new Set([id, name, ...aliases.flatMap((alias) => nameOfAlias(alias) ?? []).filter((alias) => instanceOf(alias) === instanceOf(id))])];
  const files = [readUnitFile(found.path)];
  for (const path of findDropIns(names.map((each) => splitUnitName(each) as UnitName), dirs, sources)) files.push(readUnitFile(path));
  return { name, id, names, files, masked: false, sources };
}

const instanceOf = (name: string): string | null | undefined => splitUnitName(name)?.instance;

/** Reads the links of all directories of a search path. A template's link counts for its instances. */
export function indexAliases(dirs: readonly string[]): AliasIndex {
  const aliases = new Map<string, string[]>();
  const names = new Set(dirs.flatMap(listDirectory));
  for (const name of names) {
    if (name.endsWith('.d') || splitUnitName(name) === null) continue;
    const found = follow(name, dirs, []);
    const file = found === null ? name : basename(found.path);
    if (file === name) continue;
    const list = aliases.get(file);
    if (list === undefined) aliases.set(file, [name]);
    else list.push(name);
  }
  return { aliases, names };
}

/** The file of a name, by way of the names that links lead to. */
function follow(name: string, dirs: readonly string[], sources: LoadSource[]): { readonly path: string; readonly passed: readonly string[] } | null {
  const passed: string[] = [];
  for (let at = name; passed.length < aliasDepthMax;) {
    const unit = splitUnitName(at);
    const template = unit === null ? null : templateOf(unit);
    const found = findFile(at, dirs, sources) ?? (template === null ? null : findFile(template, dirs, sources));
    if (found === null) return null;
    if ('path' in found) return { path: found.path, passed };
    passed.push(at);
    at = found.target;
  }
  return null;
}

function findFile(name: string, dirs: readonly string[], sources: LoadSource[]): { readonly path: string } | { readonly target: string } | null {
  for (const dir of dirs) {
    const path = `${dir}/${name}`;
    const exists = look(path, sources);
    const target = aliasTarget(path, dirs);
    if (target === 'invalid') continue;
    if (target !== null) return { target };
    if (exists) return { path };
  }
  return null;
}

/**
 * The name that a link stands for; null for what is no alias: a file, a link to a file of the same name or out of the search path; `invalid` for a
 * name that a unit of this kind cannot have (`man systemd.unit`, "Alias names"), which systemd passes over.
 */
function aliasTarget(path: string, dirs: readonly string[]): string | null {
  let target: string;
  try {
    if (!lstatSync(path).isSymbolicLink()) return null;
    target = resolve(dirname(path), readlinkSync(path));
  } catch {
    return null;
  }
  const [own, name] = [basename(path), basename(target)];
  if (name === own || !dirs.some((dir) => target.startsWith(`${dir}/`))) return null;
  const [asked, other] = [splitUnitName(own), splitUnitName(name)];
  if (asked === null || other === null || other.type !== asked.type) return 'invalid';
  // Of a template by a template, of an instance by a template or the same instance, of a plain unit by a plain one.
  if (other.instance === '') return asked.instance === null ? 'invalid' : name;
  return asked.instance === other.instance ? name : 'invalid';
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
  } catch (error) {
    // A link that leads to itself leads nowhere.
    exists = (error as NodeJS.ErrnoException).code !== 'ELOOP';
  }
  sources.push(state);
  return exists;
}

function findDropIns(units: readonly UnitName[], dirs: readonly string[], sources: LoadSource[]): string[] {
  const own = units.flatMap((unit) => dirs.flatMap((dir) => dropInNames(unit).own.map((name) => `${dir}/${name}.d`)));
  const dropInDirs = [...own, ...dirs.map((dir) => `${dir}/${(units[0] as UnitName).type}.d`)];
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
