/** A user namespace for a site that has been rendered without: ids of its own, and files that belong to them. Not loaded by a wake. */
import { realpathSync, statSync, writeFileSync } from 'node:fs';
import { WakesockError, describeError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import type { IdRange, MountsBelow, OverlayRoot, RootMount, Site } from '../base/site.ts';
import { asOwnerOf } from '../linux/file-owner.ts';
import { mountsBelow, readMountTable, type MountEntry } from '../linux/mount-table.ts';
import { allotIds } from './id-ranges.ts';
import { withFreshRoot } from './image-root.ts';
import { foundBelow } from './mounts-below.ts';
import { entryProblem, withMappable, type Mappable } from './mappable.ts';
import type { OciConfig, OciMount } from './oci.ts';
import { secretsDirectory } from './secret-mount.ts';
import { ensureDirectory } from './state-files.ts';

export interface Rendered<Root> {
  readonly config: OciConfig;
  /** Null: the root is a directory that is there. */
  readonly rootMount: Root | null;
}

export interface WithIds extends Rendered<RootMount> {
  readonly ids: IdRange | null;
  readonly mountsBelow: MountsBelow | null;
  /** Why the site has none, though by default it would. */
  readonly warnings: readonly string[];
}

/** Where roots are mounted, each in a mount namespace of its own: crun must come there as anybody. */
export function rootTarget(paths: Paths): string {
  return `${paths.stateDir}/root`;
}

/**
 * @throws WakesockError `ERR_WAKESOCK_NOT_SUPPORTED` where the site asks for a user namespace that it cannot have, or for a user beyond
 * its ids; `ERR_WAKESOCK_LIMIT` where none are left
 */
export function giveUserNamespace(site: Site, paths: Paths, rendered: Rendered<OverlayRoot>): WithIds {
  const none: WithIds = { ...rendered, ids: null, mountsBelow: null, warnings: [] };
  if (site.userNs === null) return none;
  const { required, ids: count } = site.userNs;
  const table = readMountTable();
  const target = rootTarget(paths);
  ensureDirectory(target, 0o755);
  const mapped = entryProblem(target) ?? withMappable(table, (mappable) => mapFiles(rendered, site, mappable, { table, secrets: `${secretsDirectory(paths)}/` }));
  let problem = typeof mapped === 'string' ? mapped : null;
  if (typeof mapped !== 'string') {
    checkIds(rendered.config, count);
    const ids = allotIds(paths, site.name, count);
    const rootMount: RootMount = rendered.rootMount === null ? { kind: 'bind', source: rendered.config.root.path, target, ids } : { ...rendered.rootMount, ids };
    problem = rootMount.kind === 'overlay' ? overlayProblem(rootMount, ids.first) : null;
    if (problem === null) return { ids, rootMount, mountsBelow: mapped.below, warnings: [], config: inUserNamespace(rendered.config, ids, target, mapped.mounts) };
  }
  if (required) throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `UserNS=auto: ${problem}; UserNS=host is without`);
  return { ...none, warnings: [`The site has no user namespace of its own: to all other walls its root is the machine's. ${problem}. UserNS=host says that this is meant`] };
}

interface Mapped {
  readonly mounts: OciMount[];
  readonly below: MountsBelow | null;
}

/** Text: why not. */
function mapFiles({ config, rootMount }: Rendered<OverlayRoot>, site: Site, mappable: Mappable, { table, secrets }: { readonly table: readonly MountEntry[]; readonly secrets: string }): Mapped | string {
  const roots = rootMount === null ? [config.root.path] : [rootMount.base, rootMount.own];
  const problem = firstOf(roots, mappable);
  if (problem !== null) return problem;
  const directories = new Set<string>();
  const mounts: OciMount[] = [];
  for (const mount of config.mounts) {
    // What a wake puts into memory it gives to the site's ids itself.
    if (mount.type !== 'bind' || mount.source.startsWith(secrets)) {
      mounts.push(mount);
      continue;
    }
    const isRecursive = mount.options.includes('rbind');
    const real = isRecursive ? realpathSync(mount.source) : mount.source;
    const below = isRecursive ? mountsBelow(table, real) : [];
    // crun binds each mount by itself there, so those below are named, too.
    for (const part of [mount, ...below.map((source) => mountBelow(mount, source, real))]) {
      const stats = statSync(part.source, { throwIfNoEntry: false });
      const inTheWay = stats === undefined ? null : mappable(part.source);
      // The host's programs are for everybody to read, and nobody's to write.
      if (inTheWay !== null && !(site.root.kind === 'host' && mount.source === '/usr')) return inTheWay;
      const options = optionsOf(part, stats?.isDirectory() ?? false);
      mounts.push(inTheWay === null ? { ...part, source: unlinked(part.source, stats?.isDirectory()), options: [...options, 'idmap'] } : { ...part, options });
    }
    if (isRecursive) directories.add(mount.source);
  }
  return { mounts, below: directories.size === 0 ? null : { directories: [...directories], found: foundBelow([...directories], table) } };
}

function mountBelow(mount: OciMount, source: string, real: string): OciMount {
  return { ...mount, source, destination: `${mount.destination}${source.slice(real.length)}` };
}

/** Each mount is named, so none brings others along; and what is recursive is for directories only. */
function optionsOf({ options }: OciMount, isDirectory: boolean): string[] {
  return options.map((option) => option.replace(isDirectory ? /^r(?=bind$)/ : /^r(?=bind$|ro$|no)/, ''));
}

/** The last name of an idmapped source is not followed by crun. A directory that is a link is looked up at each wake, a file now. */
function unlinked(source: string, isDirectory: boolean | undefined): string {
  if (isDirectory === undefined) return source;
  return isDirectory ? `${source}/.` : realpathSync(source);
}

function firstOf(paths: readonly string[], mappable: Mappable): string | null {
  for (const path of paths) {
    const problem = mappable(path);
    if (problem !== null) return problem;
  }
  return null;
}

/** An overlay of such mounts needs Linux 5.19. One that it cannot write to it mounts all the same. */
function overlayProblem(rootMount: OverlayRoot, owner: number): string | null {
  try {
    withFreshRoot(rootMount, () => asOwnerOf(owner, () => writeFileSync(`${rootMount.target}/.wakesock-trial`, '')));
    return null;
  } catch (error) {
    return describeError(error).message;
  }
}

function checkIds({ process: { user: { uid, gid, additionalGids } } }: OciConfig, count: number): void {
  const highest = Math.max(uid, gid, ...additionalGids);
  if (highest < count) return;
  throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `User=: expected users and groups below ${count}, which is how many ids the user namespace of the site has, found ${highest}; UserNS=auto:size=${highest + 1} gives it more`);
}

function inUserNamespace(config: OciConfig, ids: IdRange, root: string, mounts: readonly OciMount[]): OciConfig {
  const mappings = [{ containerID: 0, hostID: ids.first, size: ids.count }];
  return {
    ...config, mounts, root: { ...config.root, path: root },
    linux: { ...config.linux, namespaces: [{ type: 'user' }, ...config.linux.namespaces], uidMappings: mappings, gidMappings: mappings },
  };
}
