/**
 * The root of a site, where it is not simply a directory: with an image an overlay of the image's layers, read-only, and of the site's own
 * writable directory (Documentation/filesystems/overlayfs.rst); with a user namespace, mounted so that what belongs to id N on
 * the disk belongs to id N of the site. It is mounted for each start, in a mount namespace that only crun and the container are in.
 */
import { WakesockError, describeError } from '../base/errors.ts';
import { overlayOptionBytesMax } from '../base/limits.ts';
import type { IdRange, OverlayRoot, RootMount } from '../base/site.ts';
import { bindIdmapped } from '../linux/detached-mount.ts';
import { asOwnerOf } from '../linux/file-owner.ts';
import { mountOverlay } from '../linux/mount-namespace.ts';
import { withUserNamespace } from '../linux/user-namespace.ts';

/** What takes part when a site's own directory outlives its image: without them layers may be exchanged below it. */
const fixedOptions = 'index=off,metacopy=off,redirect_dir=off';

/** In a mount namespace of its own. @throws WakesockError `ERR_WAKESOCK_RUNTIME` where it cannot be mounted */
export function mountRoot(root: RootMount): void {
  try {
    mountKind(root);
  } catch (error) {
    const what = root.kind === 'bind' ? root.source : `overlay of ${root.lower.length} layers in ${root.base}`;
    throw new WakesockError('ERR_WAKESOCK_RUNTIME', `The root could not be mounted at ${root.target} (${what}): ${describeError(error).message}`, { cause: error });
  }
}

function mountKind(root: RootMount): void {
  if (root.kind === 'bind') withUserNamespace(root.ids, (userNamespace) => bindIdmapped(root.source, root.target, userNamespace));
  else if (root.ids === null) mountOverlay(root.base, root.target, overlayOptions(root));
  else mountMapped(root, root.ids);
}

/**
 * One mount serves all layers, since they lie in one directory. That of the site is where the overlay then hides it. An overlay does what it
 * has to do for itself as who mounted it, who must therefore be somebody whose files can be written there.
 */
function mountMapped(root: OverlayRoot, ids: IdRange): void {
  withUserNamespace(ids, (userNamespace) => {
    bindIdmapped(root.base, root.base, userNamespace);
    bindIdmapped(root.own, root.target, userNamespace);
  });
  asOwnerOf(ids.first, () => mountOverlay(root.base, root.target, overlayOptions({ ...root, upper: inTarget(root, root.upper), work: inTarget(root, root.work) })));
}

const inTarget = ({ own, target }: OverlayRoot, path: string): string => `${target}${path.slice(own.length)}`;

/** @throws WakesockError `ERR_WAKESOCK_LIMIT` for more layers than mount(2) takes */
export function overlayOptions({ lower, upper, work }: Pick<OverlayRoot, 'lower' | 'upper' | 'work'>): string {
  const options = `lowerdir=${lower.map(escaped).join(':')},upperdir=${escaped(upper)},workdir=${escaped(work)},${fixedOptions}`;
  const bytes = Buffer.byteLength(options);
  if (bytes > overlayOptionBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `Expected the ${lower.length} layers of an image to be named in ${overlayOptionBytesMax} bytes, found ${bytes}`);
  return options;
}

const escaped = (path: string): string => path.replaceAll(/[\\,:]/g, (special) => `\\${special}`);
