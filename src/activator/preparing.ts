/** Prepared sites, rendered again when their files have changed. The parser is loaded only then. */
import { WakesockError, describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Paths } from '../base/paths.ts';
import { preparedVersion, type FoundImage, type PreparedSite } from '../base/site.ts';
import { readPrepared } from '../runtime/prepared.ts';
import { sourcesUnchanged } from '../base/sources.ts';
import { WatchedMountTable } from '../linux/mount-table.ts';
import { mountsUnchanged } from '../runtime/mounts-below.ts';
import type { RunnerParts } from './parts.ts';

export function preparing(paths: Paths, log: Log): Pick<RunnerParts, 'prepared' | 'preparedNow' | 'prepareAgain' | 'whyNot'> {
  const again = async (name: string): Promise<PreparedSite> => {
    const { prepareSite } = await import('../site/prepare.ts');
    const prepared = prepareSite(paths, name);
    if (prepared.image) keep(prepared.image, name);
    return prepared;
  };
  /** The wake that picked an image is not kept waiting for podman. */
  const keep = (image: FoundImage, site: string): void => {
    import('../image/keep.ts')
      .then(async ({ keepImage, releaseImages }) => {
        if (!await keepImage(image)) return;
        log.debug('Its image is kept from pruning', { site, image: image.id });
        await releaseImages(paths, image.store);
      })
      .catch((error: unknown) => log.warn('The image of a site is not kept from pruning', { site, image: image.id, ...describeError(error) }));
  };
  const table = new WatchedMountTable();
  return {
    prepared: async (name) => {
      let prepared: PreparedSite;
      try {
        prepared = readPrepared(paths, name);
      } catch (error) {
        throw await withoutSite(paths, name) ?? error;
      }
      const isUsable = prepared.version === preparedVersion && mountsUnchanged(prepared.mountsBelow ?? null, table);
      if (isUsable && (sourcesUnchanged(prepared.sources) || await isOnlyBeingUpdated(paths, prepared))) return prepared;
      return again(name);
    },
    preparedNow: (name) => readPrepared(paths, name),
    whyNot: async (name) => {
      try {
        await again(name);
        return null;
      } catch (error) {
        return error instanceof WakesockError ? error : null;
      }
    },
    prepareAgain: (name) => {
      again(name).catch((error: unknown) => log.error('A site could not be prepared again', { site: name, ...describeError(error) }));
    },
  };
}

/** Nothing has changed but what its image's name stands for, and `auto-update` has not said yet whether that does. */
async function isOnlyBeingUpdated(paths: Paths, { image, sources }: PreparedSite): Promise<boolean> {
  if (!image) return false;
  const [{ isBeingUpdated }, { imageListPath }] = await Promise.all([import('../image/updating.ts'), import('../image/store.ts')]);
  const listed = imageListPath(image.store);
  return isBeingUpdated(paths, image) && sourcesUnchanged(sources.filter(({ path }) => path !== listed));
}

/** A descriptor whose name is no site's at all: there is nothing that could be enabled. Null where there is a site. */
async function withoutSite(paths: Paths, name: string): Promise<WakesockError | null> {
  const { loadSite } = await import('../site/index.ts');
  try {
    loadSite(paths, name);
    return null;
  } catch (error) {
    const { code, message } = describeError(error);
    if (code !== 'ERR_WAKESOCK_SITE_NOT_FOUND' && code !== 'ERR_WAKESOCK_SITE_NAME') return null;
    return new WakesockError('ERR_WAKESOCK_NO_SITE', `A socket has the name ${JSON.stringify(name)} (FileDescriptorName=), which is no site's: ${message}`, { cause: error });
  }
}
