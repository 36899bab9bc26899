/**
 * Paths as the program will see them: symbolic links lead to places in the container, never out of it, whatever they say.
 *
 * The tree is its root and what is mounted into it. Each part of a path is looked at with lstat before the next is added to
 * it, so that the kernel itself never follows a link.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';

export interface TreePart {
  /** Absolute, as the program sees it. */
  readonly target: string;
  /** On this machine, trusted; null: starts empty (a tmpfs). */
  readonly source: string | null;
}

export interface TreeEntry {
  /** On this machine. */
  readonly path: string;
  /** As the program sees it, free of links. */
  readonly inside: string;
  readonly stats: Stats;
}

/** As the kernel's own limit, path_resolution(7). */
const linksMax = 40;

export class SiteTree {
  readonly #parts: readonly TreePart[];

  /** Of parts with the same target the last counts, as with mounts. */
  constructor(parts: readonly TreePart[]) {
    this.#parts = parts.map(({ target, source }) => ({ target: normalize(target), source }));
  }

  /** What `path` leads to; null where nothing is, or too many links. @param from what a relative path starts at */
  find(path: string, from = '/'): TreeEntry | null {
    let rest = segments(path.startsWith('/') ? path : `${from}/${path}`);
    let inside: string[] = [];
    let found = this.#look(inside);
    for (let links = 0; ;) {
      const next = rest[0];
      if (found === null || next === undefined) return found;
      rest = rest.slice(1);
      if (!found.stats.isDirectory()) return null;
      inside = next === '..' ? inside.slice(0, -1) : [...inside, next];
      found = this.#look(inside);
      if (found === null || !found.stats.isSymbolicLink()) continue;
      if ((links += 1) > linksMax) return null;
      const link = readlink(found.path);
      if (link === null) return null;
      rest = [...segments(link), ...rest];
      inside = link.startsWith('/') ? [] : inside.slice(0, -1);
      found = this.#look(inside);
    }
  }

  /** @param inside free of links, but for the last */
  #look(inside: readonly string[]): TreeEntry | null {
    const path = `/${inside.join('/')}`;
    let best: TreePart | undefined;
    for (const part of this.#parts) {
      if (!isWithin(path, part.target)) continue;
      if (best === undefined || part.target.length >= best.target.length) best = part;
    }
    if (best === undefined) return null;
    // `/.`: a mounted source may be a link itself, which the kernel follows on the machine's side.
    const onMachine = best.source === null ? null : `${best.source}${path.slice(best.target === '/' ? 0 : best.target.length)}`;
    if (onMachine !== null) {
      const stats = lstat(path === best.target ? `${onMachine}/.` : onMachine) ?? lstat(onMachine);
      if (stats !== null) return { path: onMachine, inside: path, stats };
    }
    // A mount point, and what leads to one, is made when it is missing.
    const leads = this.#parts.some(({ target }) => target === path || target.startsWith(`${path}/`));
    const stats = leads ? lstat('/') : null;
    return stats === null ? null : { path: onMachine ?? path, inside: path, stats };
  }
}

/** Null for any reason: the program could not reach it either. */
function lstat(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

function readlink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function segments(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function normalize(target: string): string {
  return `/${segments(target).join('/')}`;
}

function isWithin(path: string, target: string): boolean {
  return target === '/' || path === target || path.startsWith(`${target}/`);
}
