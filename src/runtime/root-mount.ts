/**
 * The root of a site with an image: an overlay of the image's layers, read-only, and of the site's own writable directory
 * (Documentation/filesystems/overlayfs.rst). It is mounted for each start, in a mount namespace that only crun and the container are in.
 */
import { WakesockError, describeError } from '../base/errors.ts';
import { overlayOptionBytesMax } from '../base/limits.ts';
import type { RootMount } from '../base/site.ts';
import { mountOverlay } from '../linux/mount-namespace.ts';

/** What takes part when a site's own directory outlives its image: without them layers may be exchanged below it. */
const fixedOptions = 'index=off,metacopy=off,redirect_dir=off';

/** In a mount namespace of its own. @throws WakesockError `ERR_WAKESOCK_RUNTIME` where it cannot be mounted */
export function mountRoot(root: RootMount): void {
  try {
    mountOverlay(root.base, root.target, overlayOptions(root));
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_RUNTIME', `The root could not be mounted at ${root.target} (overlay of ${root.lower.length} layers in ${root.base}): ${describeError(error).message}`, { cause: error });
  }
}

/** @throws WakesockError `ERR_WAKESOCK_LIMIT` for more layers than mount(2) takes */
export function overlayOptions({ lower, upper, work }: RootMount): string {
  const options = `lowerdir=${lower.map(escaped).join(':')},upperdir=${escaped(upper)},workdir=${escaped(work)},${fixedOptions}`;
  const bytes = Buffer.byteLength(options);
  if (bytes > overlayOptionBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `Expected the ${lower.length} layers of an image to be named in ${overlayOptionBytesMax} bytes, found ${bytes}`);
  return options;
}

const escaped = (path: string): string => path.replaceAll(/[\\,:]/g, (special) => `\\${special}`);
