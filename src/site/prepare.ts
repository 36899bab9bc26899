/** All slow work of a site, done once: unit files → bundle (design section 7). */
import { existsSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { preparedDir } from '../base/paths.ts';
import type { PreparedImage, PreparedSite, Site, SourceState } from '../base/site.ts';
import { sourceState } from '../base/sources.ts';
import { applyImage } from '../image/apply-image.ts';
import { parseImageConfig } from '../image/config.ts';
import { isLocal, type ImageFinder } from '../image/podman.ts';
import { findSecretStore, findVolumes } from '../image/podman-volumes.ts';
import { imageListPath, readImage } from '../image/store.ts';
import { prepareBundle, type PrepareExtra } from '../runtime/prepare.ts';
import { readPrepared } from '../runtime/prepared.ts';
import { readSecrets, secretEnvironment } from '../secrets/read-secrets.ts';
import type { Diagnostic } from '../unitfile/diagnostic.ts';
import { checkControllers } from './check-controllers.ts';
import { SiteCache } from './site-cache.ts';

/** The activator asks again why a site cannot be prepared, at each try to wake it. */
const caches = new WeakMap<Paths, SiteCache>();

export interface PrepareParts {
  /** For who prepares many sites: brings the copy of /etc up to date. */
  readonly syncEtc?: () => void;
}

/**
 * Runs no podman: the image of a site is looked up where it was found before. So a name that has come to stand for another image
 * is followed.
 * @throws WakesockError ERR_WAKESOCK_SITE_FILE with the errors of its files, or why its bundle could not be made
 */
export function prepareSite(paths: Paths, name: string, parts: PrepareParts = {}): PreparedSite {
  const loaded = load(paths, name);
  const before = lastPrepared(paths, name);
  const image = loaded.site.root.kind === 'image' ? remembered(before, name, loaded.site.root.image) : null;
  return prepareLoaded(paths, loaded, { image, volumes: before?.volumes ?? [], secretStore: before?.secretStore ?? null, settle: false }, parts);
}

/** As {@link prepareSite}, and has podman find the image, or fetch it; volumes that are new are made, filled, and given to the site's user. */
export async function prepareSiteWithPodman(paths: Paths, name: string, images: ImageFinder, parts: PrepareParts = {}): Promise<PreparedSite> {
  const loaded = load(paths, name);
  const { site } = loaded;
  const { root } = site;
  const image = root.kind === 'image' ? { ...await images.find(root.image), asked: root.image } : null;
  const secretStore = await findSecretStore(site);
  // They must be there, and are read again by each wake.
  if (site.secrets.length + site.credentials.length > 0) secretEnvironment(site, await readSecrets(site, secretStore));
  const volumes = await findVolumes(site, lastPrepared(paths, name)?.volumes ?? []);
  return prepareLoaded(paths, loaded, { image, volumes, secretStore, settle: true }, parts);
}

interface Loaded {
  readonly site: Site;
  readonly warnings: readonly string[];
  readonly sources: readonly SourceState[];
}

function load(paths: Paths, name: string): Loaded {
  const { site, diagnostics, sources, places } = cacheOf(paths).load(name);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (site === null || errors.length > 0) throw new WakesockError('ERR_WAKESOCK_SITE_FILE', `${name}: ${errors.map(lineOf).join('; ')}`);
  return { site, sources, warnings: [...diagnostics, ...checkControllers(site, places.file)].map(lineOf) };
}

function lineOf({ file, line, message }: Diagnostic): string {
  return `${file}${line > 0 ? `:${line}` : ''}: ${message}`;
}

/** What podman knows of a site. */
interface Found extends Pick<PrepareExtra, 'volumes' | 'secretStore' | 'settle'> {
  readonly image: PreparedImage | null;
}

function prepareLoaded(paths: Paths, { site, warnings, sources }: Loaded, { image, ...found }: Found, parts: PrepareParts): PreparedSite {
  const notifyShutdown = notifiesShutdown(paths, site.name, site.listen);
  if (image === null) return prepareBundle(site, paths, { ...parts, ...found, sources, warnings, notifyShutdown });
  // Before it is read: what changes meanwhile is seen by the next wake.
  const listed = sourceState(imageListPath(image.store));
  const stored = readImage(image);
  if (stored === null) throw new WakesockError('ERR_WAKESOCK_IMAGE', `${site.name}: Image=${image.asked} is not in podman's storage (${image.store.root}) any more; this brings it back: ${rescueOf(site.name, image)}`);
  const config = parseImageConfig(stored.config);
  return prepareBundle(applyImage(site, config, image.asked), paths, {
    ...parts, ...found, warnings, notifyShutdown, sources: [...sources, listed],
    image: { base: stored.base, lower: stored.lower, volumes: config.volumes, image: { ...image, id: stored.id } },
  });
}

/** An image that was built here is found again by its name as soon as it is there; any other is fetched, or imported. */
function rescueOf(name: string, { reference }: PreparedImage): string {
  return reference !== null && isLocal(reference) ? `podman build -t ${reference} DIRECTORY` : `wakesock prepare ${name}`;
}

/** Where the image was found when the site was last prepared. */
function remembered(before: PreparedSite | null, name: string, asked: string): PreparedImage {
  if (before?.image?.asked === asked) return before.image;
  throw new WakesockError('ERR_WAKESOCK_IMAGE', `${name}: Image=${asked} was not looked for yet; run \`wakesock prepare ${name}\``);
}

/** Null: never, or something is left of it that is not whole. */
function lastPrepared(paths: Paths, name: string): PreparedSite | null {
  return existsSync(`${preparedDir(paths, name)}/site.json`) ? readPrepared(paths, name) : null;
}

function cacheOf(paths: Paths): SiteCache {
  let cache = caches.get(paths);
  if (cache === undefined) caches.set(paths, cache = new SiteCache(paths));
  return cache;
}

/** A UNIX listener never heals, so no program may shut it down; of the others, those that were seen doing it may not. */
function notifiesShutdown(paths: Paths, name: string, listen: readonly { readonly family: string }[]): boolean {
  return listen.some(({ family }) => family === 'unix') || existsSync(`${paths.stateDir}/shuts-listener/${name}`);
}
