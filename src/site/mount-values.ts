/** Readers of `Volume=`, `Mount=` and `Tmpfs=`: three ways to say what is mounted. */
import type { SiteMount } from '../base/site.ts';
import { quote } from '../unitfile/quote.ts';
import { suggest } from '../unitfile/suggest.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { applyOptions, siteMount } from './mount-options.ts';
import { NotSupportedError } from './reading.ts';
import { parseAbsolutePath } from './values.ts';

/** What podman allows as the name of a volume, a secret, …. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;

/** Where a source stands for something that only other files tell. */
export interface SourceContext {
  /** Makes `./x` absolute: relative to the site's file. */
  absolute(path: string): string;
  /** What `NAME.volume` stands for. @throws UnitValueError */
  volumeUnit(name: string): { readonly name: string; readonly copyUp: boolean };
}

/** `Volume=[SOURCE:]CONTAINER-DIR[:OPTIONS]` */
export function parseVolume(text: string, context: SourceContext): SiteMount {
  const [first = '', second, options = '', ...rest] = text.split(':');
  if (rest.length > 0) throw new UnitValueError(`Expected [SOURCE:]CONTAINER-DIR[:OPTIONS], found ${quote(text)}`);
  if (second === undefined) return siteMount('volume', targetOf(first));
  if (first === '') throw new UnitValueError('Expected a source before the colon, found none', { offset: 0, suggestion: text.slice(1) });
  const base = { ...sourceOf(first, context), target: targetOf(second, first.length + 1) };
  return applyOptions(siteMount(base.kind, base.target, base), options.split(','), first.length + second.length + 2);
}

/** A path of the machine, or a volume's name. */
function sourceOf(text: string, context: SourceContext): Pick<SiteMount, 'kind' | 'source'> & { readonly copyUp: boolean } {
  if (/^\.\.?(?:\/|$)/.test(text)) return { kind: 'bind', source: context.absolute(text), copyUp: false };
  if (text.startsWith('/')) return { kind: 'bind', source: parseAbsolutePath(text), copyUp: false };
  if (text.endsWith('.volume')) {
    const { name, copyUp } = context.volumeUnit(text);
    return { kind: 'volume', source: name, copyUp };
  }
  return { kind: 'volume', source: parseStoredName(text, 'volume'), copyUp: true };
}

/** A name that podman keeps something by. */
export function parseStoredName(text: string, what: string): string {
  if (!namePattern.test(text)) throw new UnitValueError(`Expected the name of a ${what}, found ${quote(text)}`);
  return text;
}

function targetOf(text: string, offset = 0): string {
  const path = parseAbsolutePath(text);
  if (path === '/') throw new UnitValueError('Expected a directory below the root, found "/"', { offset });
  return path;
}

/** `Tmpfs=CONTAINER-DIR[:OPTIONS]` */
export function parseTmpfs(text: string): SiteMount {
  const [target = '', options = '', ...rest] = text.split(':');
  if (rest.length > 0) throw new UnitValueError(`Expected CONTAINER-DIR[:OPTIONS], found ${quote(text)}`);
  return applyOptions(siteMount('tmpfs', targetOf(target)), options.split(','), target.length + 1);
}

const kinds: Readonly<Record<string, SiteMount['kind']>> = { bind: 'bind', volume: 'volume', tmpfs: 'tmpfs' };
const refusedTypes: Readonly<Record<string, string>> = {
  ramfs: 'nothing limits what it takes; use type=tmpfs',
  devpts: 'a site has terminals of its own at /dev/pts',
  glob: 'which files there are is not looked at again at each wake; name each, or their directory',
  image: 'mounting another image is not supported',
  artifact: 'artifacts are not supported',
};

const sourceNames = ['src', 'source'];
const targetNames = ['dst', 'dest', 'destination', 'target'];
/** Options of `Mount=` by other names than `Volume=` has for them. */
const translated: Readonly<Record<string, string>> = { readonly: 'ro', chown: 'U', 'tmpfs-size': 'size', 'tmpfs-mode': 'mode' };
/** Those that may be `=true` or `=false`. */
const switches: Readonly<Record<string, string | null>> = { ro: null, rw: 'ro', U: null };

/** `Mount=type=TYPE,OPTION[,…]`, in podman's words. */
export function parseMount(text: string, context: SourceContext): SiteMount {
  const fields = splitFields(text);
  const take = (names: readonly string[]): string | null => {
    const found = fields.filter((field) => names.includes(nameOf(field)));
    if (found.length > 1) throw new UnitValueError(`Expected ${names.join(' or ')} once, found it again`, { offset: text.lastIndexOf(found[1] as string) });
    const [only] = found;
    if (only === undefined) return null;
    fields.splice(fields.indexOf(only), 1);
    const value = only.slice(nameOf(only).length + 1);
    if (value === '') throw new UnitValueError(`Expected a value of ${nameOf(only)}=, found none`, { offset: text.indexOf(only) });
    return value;
  };
  const type = take(['type']) ?? 'volume';
  const reason = Object.hasOwn(refusedTypes, type) ? refusedTypes[type] : undefined;
  if (reason !== undefined) throw new NotSupportedError(`type=${type}: ${reason}`);
  const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (kind === undefined) {
    const near = suggest(type, Object.keys(kinds));
    throw new UnitValueError(`Expected type=bind, type=volume or type=tmpfs, found ${quote(type)}`, near === null ? {} : { suggestion: `type=${near}` });
  }
  const source = take(sourceNames);
  const target = take(targetNames);
  if (target === null) throw new UnitValueError('Expected destination=PATH, found none');
  return applyOptions(siteMount(kind, targetOf(target), mountSource(kind, source, context)), fields.flatMap(translate));
}

function mountSource(kind: SiteMount['kind'], source: string | null, context: SourceContext): Partial<SiteMount> {
  if (kind === 'tmpfs') {
    if (source !== null) throw new UnitValueError(`A tmpfs has no source, found ${quote(source)}`);
    return {};
  }
  if (source === null) {
    if (kind === 'bind') throw new UnitValueError('Expected source=PATH, found none');
    return {};
  }
  const found = sourceOf(source, context);
  if (found.kind !== kind) throw new UnitValueError(kind === 'bind' ? `Expected a path as source=, found ${quote(source)}` : `Expected the name of a volume as source=, found ${quote(source)}`);
  return found;
}

const nameOf = (field: string): string => field.split('=', 1)[0] ?? '';

/** An option of `Mount=` as `Volume=` and `Tmpfs=` have it; none where it says what is so anyway. */
function translate(field: string): string[] {
  const given = nameOf(field);
  const name = Object.hasOwn(translated, given) ? translated[given] as string : given;
  const value = field.includes('=') ? field.slice(given.length + 1) : null;
  if (Object.hasOwn(switches, name)) {
    if (value === null || /^true$/i.test(value)) return [name];
    if (!/^false$/i.test(value)) throw new UnitValueError(`Expected ${given}=true or ${given}=false, found ${quote(field)}`);
    return switches[name] == null ? [] : [switches[name]];
  }
  switch (name) {
    case 'bind-propagation': return [value ?? ''];
    case 'bind-nonrecursive': return value === 'false' ? [] : ['bind'];
    case 'relabel': return [value === 'private' ? 'Z' : value === 'shared' ? 'z' : field];
    case 'consistency': return [];
    case 'idmap': return value === 'false' ? [] : [field];
    case 'subpath': case 'volume-subpath': throw new NotSupportedError('A part of a volume cannot be mounted; give it a volume of its own');
    case 'volume-opt': case 'volume-label': throw new NotSupportedError(`${given}= is not supported; make the volume with podman volume create`);
    default: return [value === null ? name : `${name}=${value}`];
  }
}

/** Fields of one line of comma-separated values, RFC 4180: a field in double quotes may hold commas, and a quote as two. */
function splitFields(text: string): string[] {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (let more = true; more;) {
    const at = field.lastIndex;
    const match = field.exec(text);
    if (match === null) throw new UnitValueError('Expected fields separated by commas, quoted as a whole with "…"', { offset: at });
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    more = match[3] === ',';
  }
  return fields.filter((one) => one !== '');
}
