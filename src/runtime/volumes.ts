/**
 * Volumes before a site wakes: made, filled once from what its root has there, and given to its user, all by `prepare`, as podman does when a
 * container is made. A wake only looks whether they are there.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lchownSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { WakesockError } from '../base/errors.ts';
import type { FoundVolume, Site, SiteMount } from '../base/site.ts';
import { chownTree } from './chown-tree.ts';
import type { SiteTree } from './site-tree.ts';
import { ensureDirectory } from './state-files.ts';

interface Owner { readonly uid: number; readonly gid: number }

/** Where each volume is on the machine, by target. @param found podman's @throws WakesockError `ERR_WAKESOCK_VOLUME` for one that was not looked for */
export function volumePaths({ name, mounts }: Site, prepared: string, found: readonly FoundVolume[]): Map<string, string> {
  return new Map(mounts.filter(({ kind }) => kind === 'volume').map(({ source, target }) => {
    if (source === null) return [target, ownVolume(prepared, target)];
    const path = found.find((volume) => volume.name === source)?.path;
    if (path === undefined) throw new WakesockError('ERR_WAKESOCK_VOLUME', `Volume=${source}:${target}: podman was not asked for it yet; run \`wakesock prepare ${name}\``);
    return [target, path];
  }));
}

/** Beside the site's writable layer, and removed with it. */
function ownVolume(prepared: string, target: string): string {
  return `${prepared}/volumes/${encodeURIComponent(target)}`;
}

/** For a wake. @throws WakesockError `ERR_WAKESOCK_VOLUME` for one that is not ready, with what makes it so */
export function checkVolumes({ name, mounts }: Site, paths: ReadonlyMap<string, string>, owner: Owner): void {
  for (const mount of mounts) {
    const path = mount.kind === 'volume' ? paths.get(mount.target) : mount.source;
    if (path == null) continue;
    const stats = lstatSync(path, { throwIfNoEntry: false });
    const what = `Volume=${mount.source === null ? '' : `${mount.source}:`}${mount.target}`;
    if (stats === undefined && mount.kind === 'volume') {
      throw new WakesockError('ERR_WAKESOCK_VOLUME', mount.source === null ? `${what}: it was not made yet; run \`wakesock prepare ${name}\``
        : `${what}: podman's volume is gone (${path}), and what was in it; \`wakesock prepare ${name}\` makes a new one`);
    }
    if (stats !== undefined && mount.chown && (stats.uid !== owner.uid || stats.gid !== owner.gid)) {
      throw new WakesockError('ERR_WAKESOCK_VOLUME', `${what}: expected ${path} to be of user ${owner.uid} and group ${owner.gid} (option U), it is of ${stats.uid} and ${stats.gid}; run \`wakesock prepare ${name}\``);
    }
  }
}

/**
 * @param root what is filled from; null: nothing is, since others may change it meanwhile
 * @returns warnings
 * @throws WakesockError `ERR_WAKESOCK_VOLUME`
 */
export function settleVolumes({ mounts }: Site, paths: ReadonlyMap<string, string>, found: readonly FoundVolume[], root: SiteTree | null, owner: Owner): string[] {
  return mounts.flatMap((mount) => {
    if (mount.kind === 'volume') settleVolume(mount, paths.get(mount.target) ?? '', found, root, owner);
    const path = mount.kind === 'volume' ? paths.get(mount.target) : mount.source;
    return mount.chown && path != null ? giveAway(path, owner) : [];
  });
}

function settleVolume({ source, target, copyUp }: SiteMount, path: string, found: readonly FoundVolume[], root: SiteTree | null, owner: Owner): void {
  const isNew = source === null ? !existsSync(path) : found.some(({ name, unused }) => name === source && unused);
  if (!isNew) return finishFilling(path);
  if (source === null) ensureDirectory(dirname(path), 0o700);
  const entry = root?.find(target) ?? null;
  const from = entry?.stats.isDirectory() ? entry : null;
  // One of the site's own is there when it is whole.
  const place = source === null ? `${dirname(path)}/.new` : path;
  if (source === null) {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { mode: 0o755 });
  }
  finishFilling(place);
  if (readdirSync(place).length === 0) {
    lchownSync(place, from?.stats.uid ?? owner.uid, from?.stats.gid ?? owner.gid);
    chmodSync(place, (from?.stats.mode ?? 0o755) & 0o7777);
    if (from !== null && copyUp) fill(place, from.path);
  }
  if (place !== path) renameSync(place, path);
}

const partial = (path: string): string => `${dirname(path)}/.filling-${basename(path)}`;
const complete = (path: string): string => `${dirname(path)}/.filled-${basename(path)}`;

/** All of it is copied beside the volume first: one that is half filled would count as filled for ever. */
function fill(path: string, from: string): void {
  if (readdirSync(from).length === 0) return;
  const copy = partial(path);
  mkdirSync(copy, { mode: 0o700 });
  run('cp', ['-a', '--reflink=auto', '--', `${from}/.`, copy]);
  run('sync', ['-f', copy]);
  renameSync(copy, complete(path));
  finishFilling(path);
}

/** What whoever died left of {@link fill}. */
function finishFilling(path: string): void {
  rmSync(partial(path), { recursive: true, force: true });
  const filled = complete(path);
  if (!existsSync(filled)) return;
  for (const name of readdirSync(filled)) {
    if (!lstatSync(`${path}/${name}`, { throwIfNoEntry: false })) renameSync(`${filled}/${name}`, `${path}/${name}`);
  }
  rmSync(filled, { recursive: true, force: true });
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (status !== 0) throw new WakesockError('ERR_WAKESOCK_VOLUME', `${program} ${args.join(' ')} ended with ${status}: ${error?.message ?? stderr.trim().split('\n').slice(-3).join(' | ')}`);
}

/** As podman: what belongs to the machine is not given to a container. */
const machineDirectories = new Set(['', 'bin', 'boot', 'dev', 'etc', 'etc/passwd', 'etc/pki', 'etc/shadow', 'home', 'lib', 'lib64', 'media', 'opt', 'proc', 'root', 'run', 'sbin', 'srv', 'sys', 'tmp', 'usr', 'var', 'var/lib', 'var/log'].map((path) => `/${path}`));

function giveAway(path: string, owner: Owner): string[] {
  if (machineDirectories.has(path)) throw new WakesockError('ERR_WAKESOCK_VOLUME', `Volume=${path}: expected a directory that may be given to a container (option U), this one is the machine's`);
  const left = chownTree(path, owner);
  return left === 0 ? [] : [`Volume=${path}: ${left} names were not given to user ${owner.uid} (option U), since their files have other names outside of it`];
}
