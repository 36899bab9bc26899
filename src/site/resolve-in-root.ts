import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import type { SiteMount } from '../base/site.ts';

/** As the kernel's MAXSYMLINKS. */
const linksMax = 40;

/** A path as the container sees it, and what is there. */
export interface InRoot { readonly path: string; readonly hostPath: string; readonly stat: Stats }

/**
 * Resolves an absolute path as a process in the root would: symbolic links, absolute ones too, stay inside, and `..` stops
 * at the root. Volumes cover what is below them. Null if there is nothing, or too many links.
 */
export function resolveInRoot(root: string, path: string, volumes: readonly SiteMount[] = []): InRoot | null {
  const pending = path.split('/').toReversed();
  let done: string[] = [];
  let links = 0;
  let stat = look(hostPathOf(root, '/', volumes));
  while (pending.length > 0) {
    const part = pending.pop() as string;
    if (part === '' || part === '.') continue;
    if (stat === null || !stat.isDirectory()) return null;
    if (part === '..') {
      done = done.slice(0, -1);
      stat = look(hostPathOf(root, `/${done.join('/')}`, volumes));
      continue;
    }
    const host = hostPathOf(root, `/${[...done, part].join('/')}`, volumes);
    stat = look(host);
    if (stat === null) return null;
    if (!stat.isSymbolicLink()) {
      done.push(part);
      continue;
    }
    if (++links > linksMax) return null;
    const target = readLink(host);
    if (target === null) return null;
    if (target.startsWith('/')) done = [];
    pending.push(...target.split('/').toReversed());
    stat = look(hostPathOf(root, `/${done.join('/')}`, volumes));
  }
  const found = `/${done.join('/')}`;
  return stat === null ? null : { path: found, hostPath: hostPathOf(root, found, volumes), stat };
}

/** The deepest volume that covers the path says where it is on the host. */
function hostPathOf(root: string, path: string, volumes: readonly SiteMount[]): string {
  let best: { readonly source: string; readonly target: string } | null = null;
  for (const { kind, source, target } of volumes) {
    // What is in a volume of podman's is not known before it is asked, and a tmpfs begins with what the root has.
    if (kind !== 'bind' || source === null) continue;
    const volume = { source, target };
    const covers = path === volume.target || path.startsWith(`${volume.target}/`);
    if (covers && (best === null || volume.target.length > best.target.length)) best = volume;
  }
  if (best === null) return root === '/' ? path : `${root}${path}`;
  return `${best.source}${path.slice(best.target.length)}`;
}

function look(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
