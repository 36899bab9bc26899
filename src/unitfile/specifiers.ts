import { unescapeUnitName, unescapePath } from './unescape-name.ts';
import type { UnitName } from './unit-name.ts';
import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

/** What each specifier letter stands for. */
export type SpecifierContext = Readonly<Record<string, string>>;

/**
 * Replaces `%x` by the value of `x` in the context, `%%` by a percent sign (`man systemd.unit`, Specifiers). As in systemd, a percent
 * sign before what is neither letter nor digit stands for itself.
 *
 * @throws UnitValueError for a specifier that the context does not have: the value is then not known, and never guessed
 * @example
 * expandSpecifiers('/srv/%i/%%', { i: 'blog' }) // '/srv/blog/%'
 */
export function expandSpecifiers(text: string, context: SpecifierContext): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([%a-zA-Z0-9])/g, (whole, letter: string, offset: number) => {
    if (letter === '%') return '%';
    const value = Object.hasOwn(context, letter) ? context[letter] : undefined;
    if (value === undefined) throw new UnitValueError(`Expected a specifier that is known here, found ${quote(whole)}`, { offset, suggestion: `%${whole}` });
    return value;
  });
}

/** The specifiers that follow from a unit's name alone: %n %N %p %P %i %I %j %J, and %f where there is a path to make. */
export function nameSpecifiers(unit: UnitName): SpecifierContext {
  const instance = unit.instance ?? '';
  const lastPart = unit.prefix.slice(unit.prefix.lastIndexOf('-') + 1);
  const path = unescapePath(unit.instance === null || unit.instance === '' ? unit.prefix : unit.instance);
  return {
    n: unit.name, N: unit.name.slice(0, unit.name.length - unit.type.length - 1),
    p: unit.prefix, P: unescapeUnitName(unit.prefix),
    i: instance, I: unescapeUnitName(instance),
    j: lastPart, J: unescapeUnitName(lastPart),
    ...(path === null ? {} : { f: path }),
  };
}

/** What the specifiers of a unit follow from. What is left out is not known: a value that needs it is refused. */
export interface SpecifierSources {
  readonly unit?: UnitName;
  /** The unit file itself, for `%y` and `%Y`. */
  readonly fragmentPath?: string;
  /** Default `system`: `/etc`, `/run`, `/var/lib`, … */
  readonly manager?: 'system' | 'user';
  readonly host?: {
    /** As systemd names it: `x86-64`, `arm64`, … */
    readonly architecture?: string;
    /** 32 hexadecimal digits. */
    readonly bootId?: string;
    readonly machineId?: string;
    readonly hostName?: string;
    /** `PRETTY_HOSTNAME=` of /etc/machine-info; default: the host name. */
    readonly prettyHostName?: string;
    readonly kernelRelease?: string;
    /** /etc/os-release: `ID`, `VERSION_ID`, `BUILD_ID`, `VARIANT_ID`, `IMAGE_ID`, `IMAGE_VERSION`. A key that is not there is empty. */
    readonly osRelease?: Readonly<Record<string, string>>;
  };
  /** Whom the manager runs as. Default for `system`: root, whose shell is not known. A user's manager needs `home` and `runtimeDir` for its directories. */
  readonly user?: {
    readonly name: string; readonly uid: number; readonly group: string; readonly gid: number; readonly home: string; readonly shell?: string;
    /** `$XDG_RUNTIME_DIR` */
    readonly runtimeDir?: string;
  };
  /** `$TMPDIR` of the manager, if set: it counts for `%T` and `%V`. */
  readonly temporaryDir?: string;
  /** `%d`; systemd knows it while it starts a service. */
  readonly credentialsDir?: string;
}

const root: SpecifierSources['user'] = { name: 'root', uid: 0, group: 'root', gid: 0, home: '/root' };

/**
 * All specifiers of `man systemd.unit` that follow from what is given, by letter.
 * @example
 * expandSpecifiers('%E/%p', unitSpecifiers({ unit: splitUnitName('blog@a.service') ?? undefined })) // '/etc/blog'
 */
export function unitSpecifiers(sources: SpecifierSources): SpecifierContext {
  const { unit, fragmentPath, host = {}, manager = 'system', temporaryDir } = sources;
  const user = sources.user ?? (manager === 'system' ? root : undefined);
  const found: Record<string, string | undefined> = {
    ...(unit === undefined ? {} : nameSpecifiers(unit)),
    y: fragmentPath, Y: fragmentPath?.replace(/\/[^/]*$/, '') || undefined,
    a: host.architecture, b: host.bootId, m: host.machineId, H: host.hostName, l: host.hostName?.split('.', 1)[0],
    q: host.prettyHostName ?? host.hostName, v: host.kernelRelease,
    u: user?.name, U: user === undefined ? undefined : String(user.uid), g: user?.group, G: user === undefined ? undefined : String(user.gid), h: user?.home, s: user?.shell,
    T: temporaryDir ?? '/tmp', V: temporaryDir ?? '/var/tmp', d: sources.credentialsDir,
    ...directories(manager, user),
  };
  const release = { o: 'ID', w: 'VERSION_ID', B: 'BUILD_ID', W: 'VARIANT_ID', M: 'IMAGE_ID', A: 'IMAGE_VERSION' };
  if (host.osRelease !== undefined) for (const [letter, key] of Object.entries(release)) found[letter] = host.osRelease[key] ?? '';
  return Object.fromEntries(Object.entries(found).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function directories(manager: 'system' | 'user', user: SpecifierSources['user']): Record<string, string | undefined> {
  if (manager === 'system') return { t: '/run', S: '/var/lib', C: '/var/cache', L: '/var/log', E: '/etc', D: '/usr/share' };
  if (user === undefined) return {};
  const { home, runtimeDir } = user;
  return { t: runtimeDir, S: `${home}/.local/state`, C: `${home}/.cache`, L: `${home}/.local/state/log`, E: `${home}/.config`, D: `${home}/.local/share` };
}
