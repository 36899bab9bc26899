import { describeError, WakesockError, type ErrorCode } from '../base/errors.ts';

/** A site that wants to be kept up to date: `AutoUpdate=`. */
export interface UpdatingSite {
  readonly name: string;
  /** As `Image=` has it. */
  readonly image: string;
  readonly policy: 'registry' | 'local';
  /** What it is prepared with. */
  readonly id: string | null;
}

export interface UpdateParts {
  /** The number of the image that podman's storage has under a name. @throws WakesockError */
  readonly idOf: (image: string) => Promise<string>;
  /** Fetches the image if the registry has another. @throws WakesockError */
  readonly pull: (image: string) => Promise<unknown>;
  /** Gives a name to an image. @throws WakesockError */
  readonly tag: (id: string, image: string) => Promise<unknown>;
  /** Until this is done no wake of any site follows the name of the image. */
  readonly during: <T>(image: string, act: () => Promise<T>) => Promise<T>;
  /** All slow work of a site, with what its image's name stands for now. @throws WakesockError */
  readonly prepare: (name: string) => Promise<unknown>;
}

export interface UpdatedSite extends Omit<UpdatingSite, 'id'> {
  /** `rolled back`: the new version does not do, and the name stands for the one before again. */
  readonly updated: 'true' | 'false' | 'failed' | 'rolled back';
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

/** As `podman auto-update` does it for its containers: each image once, and back to the version before where the new one does not do. */
export async function updateImages(sites: readonly UpdatingSite[], parts: UpdateParts, rollback: boolean): Promise<UpdatedSite[]> {
  const updated: UpdatedSite[] = [];
  for (const image of new Set(sites.map((site) => site.image))) {
    updated.push(...await parts.during(image, () => updateImage(image, sites.filter((site) => site.image === image), parts, rollback)));
  }
  return updated;
}

async function updateImage(image: string, sites: readonly UpdatingSite[], parts: UpdateParts, rollback: boolean): Promise<UpdatedSite[]> {
  const result = ({ name, policy }: UpdatingSite, updated: UpdatedSite['updated'], error: unknown = null): UpdatedSite => ({ name, image, policy, updated, error: error === null ? null : describeError(error) });
  let before: string;
  let after: string;
  try {
    before = await parts.idOf(image);
    if (sites.some(({ policy }) => policy === 'registry')) await parts.pull(image);
    after = await parts.idOf(image);
  } catch (error) {
    return sites.map((site) => result(site, 'failed', wakesockError(error)));
  }
  const changed = sites.filter(({ id }) => id !== after);
  const failures = await prepareAll(changed, parts);
  const [failure] = failures.values();
  if (failure !== undefined && rollback && before !== after) {
    // For all of them: a name stands for one image.
    try {
      await parts.tag(before, image);
      const again = await prepareAll(changed, parts);
      return sites.map((site) => (changed.includes(site) ? result(site, again.has(site) ? 'failed' : 'rolled back', again.get(site) ?? failures.get(site) ?? failure) : result(site, 'false')));
    } catch (error) {
      return sites.map((site) => (changed.includes(site) ? result(site, 'failed', wakesockError(error)) : result(site, 'false')));
    }
  }
  return sites.map((site) => (failures.has(site) ? result(site, 'failed', failures.get(site)) : result(site, changed.includes(site) ? 'true' : 'false')));
}

async function prepareAll(sites: readonly UpdatingSite[], { prepare }: UpdateParts): Promise<Map<UpdatingSite, WakesockError>> {
  const failures = new Map<UpdatingSite, WakesockError>();
  for (const site of sites) {
    try {
      await prepare(site.name);
    } catch (error) {
      failures.set(site, wakesockError(error));
    }
  }
  return failures;
}

function wakesockError(error: unknown): WakesockError {
  if (error instanceof WakesockError) return error;
  throw error;
}
