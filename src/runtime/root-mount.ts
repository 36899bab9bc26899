/**
 * The root of a site with an image: an overlay of the image's layers, read-only, and of the site's own writable directory
 * (Documentation/filesystems/overlayfs.rst). It is mounted for each start, in a mount namespace that only crun and the container are in.
 */
import { chmodSync, chownSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { WakesockError, describeError } from '../base/errors.ts';
import { overlayOptionBytesMax } from '../base/limits.ts';
import type { RootMount } from '../base/site.ts';
import { inPrivateMounts, mountOverlay } from '../linux/mount-namespace.ts';
import { ensureDirectory } from './state-files.ts';

/** Layers of an image, the topmost first, relative to `base`. */
export interface Layers {
  readonly base: string;
  readonly lower: readonly string[];
}

/** What takes part when a site's own directory outlives its image: without them layers may be exchanged below it. */
const fixedOptions = 'index=off,metacopy=off,redirect_dir=off';

/** Runs `act` where the root is mounted. @throws WakesockError `ERR_WAKESOCK_RUNTIME` where it cannot be */
export function withRoot<T>(root: RootMount, act: () => T): T {
  return inPrivateMounts(() => {
    try {
      mountOverlay(root.base, root.target, overlayOptions(root));
    } catch (error) {
      throw new WakesockError('ERR_WAKESOCK_RUNTIME', `The root could not be mounted at ${root.target} (overlay of ${root.lower.length} layers in ${root.base}): ${describeError(error).message}`, { cause: error });
    }
    return act();
  });
}

/** @throws WakesockError `ERR_WAKESOCK_LIMIT` for more layers than mount(2) takes */
export function overlayOptions({ lower, upper, work }: RootMount): string {
  const options = `lowerdir=${lower.map(escaped).join(':')},upperdir=${escaped(upper)},workdir=${escaped(work)},${fixedOptions}`;
  const bytes = Buffer.byteLength(options);
  if (bytes > overlayOptionBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `Expected the ${lower.length} layers of an image to be named in ${overlayOptionBytesMax} bytes, found ${bytes}`);
  return options;
}

const escaped = (path: string): string => path.replaceAll(/[\\,:]/g, (special) => `\\${special}`);

/** Makes the site's own directory, empty, and what belongs to it. One that is there stays as it is. */
export function makeRootMount(directory: string, { base, lower }: Layers): RootMount {
  const mount: RootMount = { base, lower, target: `${directory}/root`, upper: `${directory}/upper`, work: `${directory}/work` };
  ensureDirectory(mount.target, 0o755);
  ensureDirectory(mount.work, 0o700);
  makeUpper(mount.upper, mount);
  return mount;
}

/**
 * Runs `act` where the root is mounted as it will be for a site that has written nothing yet: a running site's own directory cannot be
 * mounted twice. That it can be mounted at all is thereby tried.
 */
export function withFreshRoot<T>(root: RootMount, act: () => T): T {
  const directory = `${root.upper}.trial`;
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  remove();
  try {
    mkdirSync(directory, { mode: 0o700 });
    mkdirSync(`${directory}/work`);
    makeUpper(`${directory}/upper`, root);
    return withRoot({ ...root, upper: `${directory}/upper`, work: `${directory}/work` }, act);
  } finally {
    remove();
  }
}

/** The root directory's own mode and owner are those of the uppermost. */
function makeUpper(upper: string, { base, lower: [top = ''] }: Layers): void {
  const { mode, uid, gid } = statSync(`${base}/${top}`);
  if (ensureDirectory(upper, mode & 0o7777) === null) return;
  chownSync(upper, uid, gid);
  chmodSync(upper, mode & 0o7777);
}
