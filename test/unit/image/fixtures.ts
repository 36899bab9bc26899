/** podman's storage as podman 4 and 5 write it, made by hand. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ImageStore } from '../../../src/base/site.ts';

export interface FakeImage {
  readonly names?: readonly string[];
  /** Of the configuration: what stands in `config`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly architecture?: string;
  /** Files by path, the lowest layer first. Null: a whiteout. */
  readonly layers: readonly Readonly<Record<string, string | null>>[];
}

/** A file system of its own, which an overlay may write to whatever the machine's is. These tests run as root, as wakesock does. */
export function mountedDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'wakesock-image-'));
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', directory]);
  onTestFinished(() => {
    execFileSync('umount', [directory]);
    rmSync(directory, { recursive: true });
  });
  return directory;
}

export const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @returns numbers of the images. What was in the store before is forgotten, but for its files. */
export function writeStore({ root, driver }: ImageStore, images: readonly FakeImage[]): string[] {
  const layerList: object[] = [];
  const records = images.map(({ names = [], config = {}, architecture, layers }) => {
    let parent = '';
    for (const [index, files] of layers.entries()) {
      const id = idOf(`${parent} ${JSON.stringify(files)}`);
      const directory = driver === 'vfs' ? `${root}/vfs/dir/${id}` : `${root}/overlay/${id}/diff`;
      for (const layer of driver === 'vfs' ? layers.slice(0, index + 1) : [files]) writeFiles(directory, layer);
      if (driver === 'overlay') writeLink(root, id);
      layerList.push({ id, ...parent === '' ? {} : { parent } });
      parent = id;
    }
    const text = JSON.stringify({ architecture: architecture ?? (process.arch === 'x64' ? 'amd64' : process.arch), os: 'linux', config });
    const id = idOf(text);
    write(`${root}/${driver}-images/${id}/=${Buffer.from(`sha256:${id}`).toString('base64')}`, text);
    return { id, names, ...parent === '' ? {} : { layer: parent } };
  });
  write(`${root}/${driver}-layers/layers.json`, JSON.stringify(layerList));
  write(`${root}/${driver}-images/images.json`, JSON.stringify(records));
  return records.map(({ id }) => id);
}

function writeLink(root: string, id: string): void {
  const short = id.slice(0, 26).toUpperCase();
  write(`${root}/overlay/${id}/link`, short);
  mkdirSync(`${root}/overlay/l`, { recursive: true });
  rmSync(`${root}/overlay/l/${short}`, { force: true });
  symlinkSync(`../${id}/diff`, `${root}/overlay/l/${short}`);
}

function writeFiles(directory: string, files: Readonly<Record<string, string | null>>): void {
  mkdirSync(directory, { recursive: true });
  for (const [path, data] of Object.entries(files)) {
    if (data !== null) {
      write(`${directory}/${path}`, data, 0o755);
      continue;
    }
    mkdirSync(dirname(`${directory}/${path}`), { recursive: true });
    execFileSync('mknod', [`${directory}/${path}`, 'c', '0', '0']);
  }
}

function write(path: string, data: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
  chmodSync(path, mode);
}
