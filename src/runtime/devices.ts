/** `AddDevice=` on this machine: nodes for crun to make, and what the scope is allowed to open. */
import { readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { devicesMax } from '../base/limits.ts';
import type { ScopeProperty, SiteDevice, SourceState } from '../base/site.ts';
import { sourceState } from '../base/sources.ts';
import type { OciDevice } from './oci.ts';

/** A node for the container, and where it is on the machine, free of links. */
export interface FoundDevice extends OciDevice {
  readonly source: string;
}

export interface FoundDevices {
  readonly nodes: readonly FoundDevice[];
  readonly allowed: readonly ScopeProperty[];
  /** A device that comes, goes, or has another number after a reboot makes the bundle wrong. */
  readonly sources: readonly SourceState[];
}

/** @throws WakesockError `ERR_WAKESOCK_DEVICE` for one that is not there, or is none */
export function findDevices(devices: readonly SiteDevice[]): FoundDevices {
  const sources = devices.map(({ source }) => sourceState(source));
  const found = devices.flatMap((device) => nodesOf(device).map((node) => ({ node, access: device.access })));
  if (found.length > devicesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `AddDevice=: expected at most ${devicesMax} devices, found ${found.length}`);
  const nodes = [...new Map(found.map(({ node }) => [node.path, node])).values()];
  // crun makes the node within the scope, and so needs `m`, whatever the program may do.
  const rules = found.map(({ node: { type, major, minor }, access }): [string, string] => [`/dev/${type === 'c' ? 'char' : 'block'}/${major}:${minor}`, access.includes('m') ? access : `${access}m`]);
  return { nodes, sources, allowed: rules.length === 0 ? [] : [{ name: 'DeviceAllow', signature: 'a(ss)', value: rules }] };
}

function nodesOf({ source, target, optional }: SiteDevice): FoundDevice[] {
  const stats = statSync(source, { throwIfNoEntry: false });
  if (stats === undefined) {
    if (optional) return [];
    throw new WakesockError('ERR_WAKESOCK_DEVICE', `AddDevice=${source}: expected a device, nothing is there; a minus sign before it lets the site wake without`);
  }
  if (stats.isDirectory()) {
    const nodes = walk(realpathSync(source), target);
    if (nodes.length === 0) throw new WakesockError('ERR_WAKESOCK_DEVICE', `AddDevice=${source}: expected devices in this directory, found none`);
    return nodes;
  }
  const node = nodeOf(realpathSync(source), target, stats);
  if (node === null) throw new WakesockError('ERR_WAKESOCK_DEVICE', `AddDevice=${source}: expected a device, it is none`);
  return [node];
}

/** As podman: devices of a whole directory, links left out. */
function walk(directory: string, target: string): FoundDevice[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const [from, to] = [`${directory}/${entry.name}`, `${target}/${entry.name}`];
    if (entry.isDirectory()) return walk(from, to);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    const stats = statSync(from, { throwIfNoEntry: false });
    return (stats && nodeOf(from, to, stats)) ?? [];
  });
}

function nodeOf(source: string, path: string, stats: Stats): FoundDevice | null {
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return null;
  const { rdev } = stats;
  // gnu_dev_major(3), of which the lower 32 bits are all that Linux uses.
  return {
    source, path, type: stats.isCharacterDevice() ? 'c' : 'b', major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
    fileMode: stats.mode & 0o777, uid: stats.uid, gid: stats.gid,
  };
}
