/**
 * podman's own storage (containers/storage), read: where the layers of an image are, and what its configuration says. Its lists are
 * replaced by rename(2), so that a reader needs no lock.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { imageConfigBytesMax } from '../base/limits.ts';
import type { FoundImage, ImageStore } from '../base/site.ts';

/** What is kept of an image in `images.json`. */
interface ImageRecord {
  readonly id: string;
  readonly names?: readonly string[];
  /** The topmost layer. */
  readonly layer?: string;
}

interface LayerRecord {
  readonly id: string;
  readonly parent?: string;
}

export interface StoredImage {
  readonly id: string;
  readonly names: readonly string[];
  /** What {@link lower} is relative to. */
  readonly base: string;
  /** Directories of its layers, the topmost first. With `vfs` each layer holds all below it, so there is one. */
  readonly lower: readonly string[];
  /** The text of its configuration, OCI image-spec. */
  readonly config: string;
}

/** Changes with every image that comes, goes or is named anew. */
export function imageListPath({ driver, root }: ImageStore): string {
  return `${root}/${driver}-images/images.json`;
}

/** Whole names of all images, with their numbers. @throws WakesockError `ERR_WAKESOCK_IMAGE` */
export function readImageNames(store: ImageStore): Map<string, string> {
  return new Map(readImages(store).flatMap(({ id, names = [] }) => names.map((name): [string, string] => [name, id])));
}

/**
 * The image that the name stands for now. Null: the store has none.
 * @throws WakesockError `ERR_WAKESOCK_IMAGE` where it is damaged
 */
export function readImage({ store, reference, id }: FoundImage): StoredImage | null {
  const record = readImages(store).find((image) => (reference === null ? image.id === id : image.names?.includes(reference)));
  if (record === undefined) return null;
  const { names = [], layer } = record;
  if (layer === undefined || layer === '') throw new WakesockError('ERR_WAKESOCK_IMAGE', `Image ${record.id}: expected at least one layer, found none`);
  const layers = store.driver === 'vfs' ? vfsLayers(store, layer) : overlayLayers(store, layer);
  const missing = layers.lower.find((path) => !existsSync(`${layers.base}/${path}`));
  if (missing !== undefined) throw new WakesockError('ERR_WAKESOCK_IMAGE', `Image ${record.id}: expected a layer at ${layers.base}/${missing}, nothing is there`);
  return { id: record.id, names, ...layers, config: readConfig(store, record.id) };
}

function vfsLayers({ root }: ImageStore, top: string): Pick<StoredImage, 'base' | 'lower'> {
  return { base: `${root}/vfs/dir`, lower: [top] };
}

/** By the short links beside the layers, as podman names them to mount(2) itself. */
function overlayLayers(store: ImageStore, top: string): Pick<StoredImage, 'base' | 'lower'> {
  const base = `${store.root}/overlay`;
  const lists = ['layers.json', 'volatile-layers.json'].map((name) => `${store.root}/overlay-layers/${name}`).filter((path) => existsSync(path));
  const parents = new Map(lists.flatMap((path) => readList<LayerRecord>(path)).map(({ id, parent }) => [id, parent ?? '']));
  const lower: string[] = [];
  for (let id = top; id !== ''; id = parents.get(id) ?? '') {
    if (!parents.has(id) || lower.length > parents.size) throw new WakesockError('ERR_WAKESOCK_IMAGE', `Expected layer ${id} in ${lists.join(', ')}, which does not lead to a first one`);
    lower.push(`l/${readText(`${base}/${id}/link`).trim()}`);
  }
  return { base, lower };
}

/** Named by the digest of itself, which is the image's number (makeBigDataBaseName of containers/storage). */
function readConfig({ driver, root }: ImageStore, id: string): string {
  const path = `${root}/${driver}-images/${id}/=${Buffer.from(`sha256:${id}`).toString('base64')}`;
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > imageConfigBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `${path}: expected at most ${imageConfigBytesMax} bytes, found ${size}`);
  return readText(path);
}

function readImages(store: ImageStore): ImageRecord[] {
  return readList<ImageRecord>(imageListPath(store));
}

function readList<T>(path: string): T[] {
  try {
    const list: unknown = JSON.parse(readText(path));
    if (Array.isArray(list)) return list as T[];
  } catch (error) {
    if (error instanceof WakesockError) throw error;
  }
  throw new WakesockError('ERR_WAKESOCK_IMAGE', `${path}: expected podman's list in JSON, found something else`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_IMAGE', `podman's storage could not be read: ${(error as Error).message}`, { cause: error });
  }
}
