/** Before a site with an image can wake: the directories of its root, and whether that can be mounted. Not loaded by a wake. */
import { chmodSync, chownSync, mkdirSync, rmSync, statSync } from 'node:fs';
import type { IdRange, OverlayRoot } from '../base/site.ts';
import { withPrivateMounts } from './private-mounts.ts';
import { ensureDirectory } from './state-files.ts';

/** Layers of an image, the topmost first, relative to `base`. */
export interface Layers {
  readonly base: string;
  readonly lower: readonly string[];
}

/** Makes the site's own directory, empty, and what belongs to it. One that is there stays as it is. */
export function makeRootMount(directory: string, target: string, { base, lower }: Layers, ids: IdRange | null): OverlayRoot {
  const mount: OverlayRoot = { kind: 'overlay', base, lower, target, ids, own: directory, upper: `${directory}/upper`, work: `${directory}/work` };
  ensureDirectory(target, 0o755);
  ensureDirectory(mount.work, 0o700);
  makeUpper(mount.upper, mount);
  return mount;
}

/**
 * Runs `act` where the root is mounted as it will be for a site that has written nothing yet: a running site's own directory cannot be
 * mounted twice. That it can be mounted at all is thereby tried.
 */
export function withFreshRoot<T>(root: OverlayRoot, act: () => T): T {
  const directory = `${root.upper}.trial`;
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  remove();
  try {
    mkdirSync(directory, { mode: 0o700 });
    mkdirSync(`${directory}/work`);
    makeUpper(`${directory}/upper`, root);
    return withPrivateMounts({ root: { ...root, own: directory, upper: `${directory}/upper`, work: `${directory}/work` }, secrets: null }, act);
  } finally {
    remove();
  }
}

/** The root directory's own mode and owner are those of the uppermost. */
function makeUpper(upper: string, { base, lower: [top = ''] }: Pick<OverlayRoot, 'base' | 'lower'>): void {
  const { mode, uid, gid } = statSync(`${base}/${top}`);
  if (ensureDirectory(upper, mode & 0o7777) === null) return;
  chownSync(upper, uid, gid);
  chmodSync(upper, mode & 0o7777);
}
