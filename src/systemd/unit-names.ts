/** Names of the units that are ours. Site names need no escaping (design section 5). */

import { existsSync } from 'node:fs';

export const serviceUnitName = 'wakesock.service';
export const controlSocketUnitName = 'wakesock.socket';
export const leaseSocketUnitName = 'wakesock-lease.socket';
export const frontServiceUnitName = 'wakesock-front.service';
export const frontSocketUnitName = 'wakesock-front.socket';
export const autoUpdateServiceName = 'wakesock-auto-update.service';
export const autoUpdateTimerName = 'wakesock-auto-update.timer';
export const sliceUnitName = 'wakesock.slice';

const prefix = 'wakesock-site-';

/** The scope that a site's container runs in. Scopes cannot be instances of a template: `:` stands for `@`, no site has it. */
export function scopeName(site: string): string {
  return `${prefix}${site.replace('@', ':')}.scope`;
}

/** The service that makes a site's network. Not among the names below: it is no site's own unit, and goes with the scope. */
export function networkServiceName(site: string): string {
  return `wakesock-net-${site.replace('@', ':')}.service`;
}

/** The socket unit that `enable` writes. */
export function socketUnitName(site: string): string {
  return `${prefix}${site}.socket`;
}

/** Below it are the slices of all our socket units, which have no processes: only for systemd's own sake. */
export const socketsSliceUnitName = 'system-wakesock.slice';
/**
 * At the start of a unit systemd looks at each other one of its slice, and of the slices above. With all sockets in one slice, where
 * wakesock.service would be as well, ten thousand of them would take as many squared; in so many slices they take two hundred looks each.
 */
const socketSlices = 64;

/** The slice of a site's socket unit: always the same, and about as many sites in each. FNV-1a of the name. */
export function socketSliceName(site: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < site.length; index++) hash = Math.imul(hash ^ site.charCodeAt(index), 0x01000193);
  return `system-wakesock-${(hash >>> 0) % socketSlices}.slice`;
}

/** What passes on the connections of a relayed site's own sockets: an instance for each, so that to begin or end one is nothing to the others. */
export function relayServiceName(site: string): string {
  return `wakesock-relay@${site}.service`;
}

/** Where systemd puts them. */
export const relaySliceName = 'system-wakesock\\x2drelay.slice';

/** The site of {@link relayServiceName}; null for any other unit. */
export function siteOfRelay(unit: string): string | null {
  return /^wakesock-relay@(.+)\.service$/.exec(unit)?.[1] ?? null;
}

/** Descriptor name (FileDescriptorName=) of a relayed site's sockets at the front door. `=` is in no site's name; all other sockets there are HTTP. */
export function relayFdName(site: string): string {
  return `relay=${site}`;
}

/** The site of {@link relayFdName}; null for any other descriptor. */
export function relaySiteOf(fdName: string): string | null {
  return fdName.startsWith('relay=') ? fdName.slice('relay='.length) : null;
}

/** Where systemd looks for socket units that people write. */
export const systemUnitDirs: readonly string[] = ['/etc/systemd/system', '/run/systemd/system', '/usr/lib/systemd/system'];

/** The socket unit that `enable` wrote, or null: its sockets may be of a unit that somebody else wrote, under any name. */
export function writtenSocketUnit(site: string, dirs: readonly string[] = systemUnitDirs): string | null {
  const name = socketUnitName(site);
  return dirs.some((dir) => existsSync(`${dir}/${name}`)) ? name : null;
}

/** Descriptor names (FileDescriptorName=) of the activator's own sockets; no site may have the one, nor can have the other. */
export const controlFdName = 'control';
export const leaseFdName = 'control=lease';

/** Patterns (fnmatch) for all of them. */
export const scopePattern = scopeName('*');
export const socketUnitPattern = socketUnitName('*');
export const relayServicePattern = relayServiceName('*');

/** The site of a unit named by {@link scopeName} or {@link socketUnitName}; null for any other unit. */
export function siteOfUnit(unit: string): string | null {
  const [, site, type] = /^wakesock-site-(.+)\.(scope|socket)$/.exec(unit) ?? [];
  return (type === 'scope' ? site?.replace(':', '@') : site) ?? null;
}
