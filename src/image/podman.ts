/** podman, run when a site is prepared: what a name means, where images are, and fetching those that are not there. Waking runs none of it. */
import { spawn } from 'node:child_process';
import { WakesockError } from '../base/errors.ts';
import type { FoundImage, ImageStore } from '../base/site.ts';
import { readImage } from './store.ts';

/** What podman imports from a place of its own. It is the image that is there when the site is prepared. */
const transports = /^oci(?:-archive)?:/;

export interface ImageFinder {
  /** @throws WakesockError `ERR_WAKESOCK_IMAGE`, `ERR_WAKESOCK_PODMAN` */
  find(asked: string): Promise<FoundImage>;
}

interface Finding {
  /** Where podman's own goes; null: nowhere. */
  readonly progress: NodeJS.WritableStream | null;
  /** Images that are there are fetched again, for there may be a newer one. */
  readonly pull?: boolean;
}

/** Asks about each image once, however many sites have it. */
export function imageFinder(finding: Finding): ImageFinder {
  let store: Promise<ImageStore> | null = null;
  const found = new Map<string, Promise<FoundImage>>();
  return {
    find: (asked) => {
      const image = found.get(asked) ?? findImage(asked, () => store ??= findStore(), finding);
      found.set(asked, image);
      return image;
    },
  };
}

async function findImage(asked: string, storeOf: () => Promise<ImageStore>, { progress, pull: anew = false }: Finding): Promise<FoundImage> {
  if (transports.test(asked)) {
    const id = lastLine(await runPodman(['pull', asked], progress));
    return { store: await storeOf(), reference: null, id };
  }
  const [store, known] = await Promise.all([storeOf(), imageExists(asked)]);
  if (!known || (anew && !isLocal(asked))) await pull(asked, progress);
  const id = await imageId(asked);
  const image = readImage({ store, reference: null, id });
  if (image === null) throw new WakesockError('ERR_WAKESOCK_IMAGE', `Image=${asked}: expected ${id} in ${store.root}, where it is not: images of additional stores are not supported`);
  return { store, reference: wholeName(asked, image.names), id };
}

/** Whether podman's storage has it. @throws WakesockError `ERR_WAKESOCK_PODMAN` */
export function imageExists(asked: string): Promise<boolean> {
  return podmanSays(['image', 'exists', asked]);
}

/** The number of the image that podman's storage has under a name. @throws WakesockError `ERR_WAKESOCK_PODMAN` */
export async function imageId(asked: string): Promise<string> {
  return lastLine(await runPodman(['image', 'inspect', '--format={{.Id}}', asked]));
}

/** A question that podman answers with its exit code, 0 or 1. @throws WakesockError `ERR_WAKESOCK_PODMAN` */
export async function podmanSays(args: readonly string[]): Promise<boolean> {
  const { code, stderr } = await run(args, null);
  if (code === 0 || code === 1) return code === 0;
  throw failed(`podman ${args.join(' ')}`, code, stderr);
}

async function pull(asked: string, progress: NodeJS.WritableStream | null): Promise<void> {
  if (isLocal(asked)) throw new WakesockError('ERR_WAKESOCK_IMAGE', `Image=${asked}: it is not in podman's storage, and no registry has images of localhost/: podman build -t ${asked} DIRECTORY`);
  await runPodman(['pull', asked], progress);
}

/** Built here: no registry has it. */
export const isLocal = (name: string): boolean => name.startsWith('localhost/');

/** Whether a name says from where the image comes: its first part is a host's (distribution/reference), and it is no transport. */
export function hasRegistry(name: string): boolean {
  const [, host = ''] = /^([^/]+)\//.exec(name) ?? [];
  return !transports.test(name) && !isLocal(name) && /[.:]|^localhost$/.test(host);
}

/**
 * Which of an image's names is meant. Null: it was asked for by its number.
 * @param asked a name with or without registry and tag, as podman takes it
 */
export function wholeName(asked: string, names: readonly string[]): string | null {
  const full = /@|:[^/]*$/.test(asked) ? asked : `${asked}:latest`;
  return names.find((name) => name === full) ?? names.find((name) => name === `localhost/${full}`) ?? names.find((name) => name.endsWith(`/${full}`)) ?? null;
}

async function findStore(): Promise<ImageStore> {
  const info = await runPodman(['info', '--format={{.Store.GraphDriverName}} {{.Store.GraphRoot}}']);
  const [driver, ...root] = info.trim().split(' ');
  if (driver === 'overlay' || driver === 'vfs') return { driver, root: root.join(' ') };
  throw new WakesockError('ERR_WAKESOCK_IMAGE', `Expected podman's storage to be of the driver overlay or vfs (containers-storage.conf(5)), found ${driver}`);
}

/** Resolves with standard output. @throws WakesockError `ERR_WAKESOCK_PODMAN` */
export async function runPodman(args: readonly string[], progress: NodeJS.WritableStream | null = null): Promise<string> {
  const { code, stdout, stderr } = await run(args, progress);
  if (code !== 0) throw failed(`podman ${args.join(' ')}`, code, stderr);
  return stdout;
}

function failed(command: string, code: number, stderr: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_PODMAN', `${command} ended with ${code}: ${stderr.trim().split('\n').slice(-3).join(' | ')}`);
}

function run(args: readonly string[], progress: NodeJS.WritableStream | null): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    // A terminal of its own shows how far it is; what it says there is not ours to read.
    const terminal = progress === process.stderr && process.stderr.isTTY;
    const child = spawn('podman', args, { stdio: ['ignore', 'pipe', terminal ? 'inherit' : 'pipe'] });
    let stdout = '';
    let stderr = terminal ? 'see above' : '';
    child.stdout?.on('data', (chunk: Buffer) => { stdout += String(chunk); });
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += String(chunk);
      progress?.write(chunk);
    });
    child.once('error', (error) => reject(new WakesockError('ERR_WAKESOCK_PODMAN', `podman could not be run: ${error.message}; on Debian: apt-get install podman`, { cause: error })));
    child.once('close', (code, signal) => resolve({ code: code ?? 128, stdout, stderr: signal === null ? stderr : `${stderr}${signal}` }));
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
