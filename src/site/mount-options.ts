/** Options of mounts, of `Volume=`, `Mount=` and `Tmpfs=` alike: podman-run(1). */
import type { SiteMount } from '../base/site.ts';
import { quote } from '../unitfile/quote.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { NotSupportedError } from './reading.ts';

/** A mount with podman's defaults. */
export function siteMount(kind: SiteMount['kind'], target: string, rest: Partial<SiteMount> = {}): SiteMount {
  return {
    kind, source: null, target, readOnly: false, exec: true, suid: false, dev: false, recursive: true, chown: false,
    copyUp: kind !== 'bind', create: true, data: [], ...rest,
  };
}

type Change = Partial<SiteMount>;
type Kinds = readonly SiteMount['kind'][];

interface Option {
  /** Options of one group exclude each other, as with podman. */
  readonly group: string;
  readonly kinds: Kinds;
  readonly change: Change;
}

const all: Kinds = ['bind', 'volume', 'tmpfs'];
const option = (group: string, change: Change, kinds: Kinds = all): Option => ({ group, change, kinds });

const options: Readonly<Record<string, Option>> = {
  ro: option('rw', { readOnly: true }), rw: option('rw', { readOnly: false }),
  exec: option('exec', { exec: true }), noexec: option('exec', { exec: false }),
  suid: option('suid', { suid: true }), nosuid: option('suid', { suid: false }),
  dev: option('dev', { dev: true }), nodev: option('dev', { dev: false }),
  rbind: option('bind', { recursive: true }, ['bind', 'volume']), bind: option('bind', { recursive: false }, ['bind', 'volume']),
  U: option('U', { chown: true }),
  copy: option('copy', {}, ['bind', 'volume']), nocopy: option('copy', { copyUp: false }, ['bind', 'volume']),
  nocreate: option('create', { create: false }, ['volume']),
  tmpcopyup: option('copy', { copyUp: true }, ['tmpfs']), notmpcopyup: option('copy', { copyUp: false }, ['tmpfs']),
  // What a mount here is anyway; and labels of SELinux, which a site does not run under.
  private: option('propagation', {}), rprivate: option('propagation', {}),
  z: option('label', {}, ['bind', 'volume']), Z: option('label', {}, ['bind', 'volume']),
};

const refused: Readonly<Record<string, string>> = {
  shared: 'what a site mounts is never seen by the machine', rshared: 'what a site mounts is never seen by the machine',
  slave: 'what the machine mounts later is seen from the next wake on', rslave: 'what the machine mounts later is seen from the next wake on',
  unbindable: 'it has no meaning in a container that cannot mount', runbindable: 'it has no meaning in a container that cannot mount',
  O: 'a directory whose changes are forgotten is not supported; make it read-only (:ro), or a volume',
  idmap: 'other mappings of users than the site\'s own are not supported',
  noswap: 'Debian 12\'s kernel does not know it; keep secrets with Secret=',
  'no-dereference': 'a link is followed where the mount is made',
};

/** Options of a tmpfs with a value, tmpfs(5). */
const tmpfsData = /^(?:(?:size|nr_inodes)=\d+[kKmMgG%]?|mode=0?[0-7]{1,4}|(?:uid|gid)=\d{1,10}|noatime)$/;

/** @param offset of the first of `words` in the value */
export function applyOptions(mount: SiteMount, words: readonly string[], offset = 0): SiteMount {
  let made = mount;
  const seen = new Map<string, string>();
  let at = offset;
  for (const word of words) {
    if (word !== '') made = applyOption(made, word, seen, at);
    at += word.length + 1;
  }
  return made;
}

function applyOption(mount: SiteMount, word: string, seen: Map<string, string>, offset: number): SiteMount {
  const name = word.split('=', 1)[0] ?? '';
  const reason = Object.hasOwn(refused, name) ? refused[name] : undefined;
  if (reason !== undefined) throw new NotSupportedError(`The option ${quote(word)}: ${reason}`, { offset });
  const known = Object.hasOwn(options, word) ? options[word] : undefined;
  const group = known?.group ?? name;
  const before = seen.get(group);
  if (before !== undefined) throw new UnitValueError(`Expected one of ${quote(before)} and ${quote(word)}, found both`, { offset });
  seen.set(group, word);
  if (known?.kinds.includes(mount.kind)) return { ...mount, ...known.change };
  if (mount.kind === 'tmpfs' && tmpfsData.test(word)) return { ...mount, data: [...mount.data, word] };
  if (known === undefined && !(mount.kind !== 'tmpfs' && tmpfsData.test(word))) throw new UnitValueError(`Expected an option of a ${mount.kind === 'tmpfs' ? 'tmpfs such as size=64m' : 'mount such as ro'}, found ${quote(word)}`, { offset });
  throw new UnitValueError(`${quote(word)} is no option of a ${mount.kind === 'bind' ? 'directory of the machine' : mount.kind}`, { offset });
}
