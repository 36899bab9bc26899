import type { Paths } from '../base/paths.ts';
import type { ImageStore, PreparedSite } from '../base/site.ts';
import { keepImage, releaseImages } from '../image/keep.ts';
import { imageFinder } from '../image/podman.ts';
import { hostEtcOnce } from '../runtime/host-root.ts';
import { prepareSiteWithPodman } from '../site/prepare.ts';
import { resetFailed } from './reset-failed.ts';
import { printable } from './terminal.ts';

export interface SitePreparer {
  /** All slow work of a site. Its image is kept from `podman image prune`. @throws WakesockError */
  prepare(name: string): Promise<PreparedSite>;
  /** When all are prepared: those that failed are tried at once by their next clients, and images that no site needs any more are podman's to remove again. */
  finish(): Promise<void>;
}

/** For the sites of one command: what they have in common is done once. @param pull images are fetched again, for there may be newer ones */
export function sitePreparer(paths: Paths, progress: NodeJS.WritableStream, pull = false): SitePreparer {
  const images = imageFinder({ progress, pull });
  const syncEtc = hostEtcOnce(paths);
  const stores = new Map<string, ImageStore>();
  const names: string[] = [];
  return {
    prepare: async (name) => {
      const prepared = await prepareSiteWithPodman(paths, name, images, { syncEtc });
      names.push(name);
      if (prepared.image) {
        await keepImage(prepared.image);
        stores.set(prepared.image.store.root, prepared.image.store);
      }
      return prepared;
    },
    finish: async () => {
      const problem = await resetFailed(paths, names.splice(0));
      if (problem) progress.write(`wakesock: warning: sites that failed a moment ago are not tried again at once: ${printable(problem.message)} (${problem.code})\n`);
      for (const store of stores.values()) await releaseImages(paths, store);
    },
  };
}
