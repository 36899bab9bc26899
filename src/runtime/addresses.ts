/**
 * Addresses of sites on named networks. Each site has one, allotted when it is prepared and kept until it is disabled.
 *
 * podman's own leases are in a database that nobody else may write. It hands addresses out upwards from the first, so ours are
 * taken from the last one down, and where the network keeps a range for podman's (`--ip-range`), outside of that. A lease is a link, whose name is the
 * address and whose target is the site: made in one step, by whoever comes first.
 */
import { readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { parseIpv6 } from '../unitfile/ip-address.ts';
import type { Subnet } from './podman-network.ts';
import { makeStateDirectory, stateError } from './state-files.ts';

/** So many addresses are looked at for a free one: as many sites may be on a network. */
const lookedAtMax = 65_536n;

/**
 * The site's address in the subnet: the one it asks for, or has, or a new one.
 * @param asked null: any
 * @throws WakesockError `ERR_WAKESOCK_NETWORK` where it is another site's, or none is free
 */
export function allotAddress(paths: Paths, network: string, subnet: Subnet, site: string, asked: string | null): string {
  const directory = leasesOf(paths, network);
  makeStateDirectory(directory, 0o700);
  const range = rangeOf(subnet);
  const own = readdirSync(directory).filter((address) => ownerOf(directory, address) === site && contains(range, address));
  const kept = own.find((address) => (asked === null ? isOurs(range, toNumber(address)) : address === asked));
  const address = kept ?? (asked === null ? takeAny(directory, range, site) : takeThis(directory, range, site, asked));
  if (address === null) {
    throw new WakesockError('ERR_WAKESOCK_NETWORK', asked === null ? `The network ${network} has no address left for ${site} in ${subnet.subnet}`
      : `${site}: expected an address of its own in ${subnet.subnet} (network ${network}), ${asked} is ${contains(range, asked) ? `that of ${ownerOf(directory, asked) ?? 'the gateway'}` : 'not in it'}`);
  }
  for (const other of own) if (other !== address) rmSync(`${directory}/${other}`, { force: true });
  return address;
}

/** Gives back all addresses of a site, or those on networks that it is on no more. */
export function releaseAddresses(paths: Paths, site: string, kept: ReadonlySet<string> = new Set()): void {
  for (const network of listing(`${paths.stateDir}/networks`)) {
    const directory = leasesOf(paths, network);
    if (kept.has(network)) continue;
    for (const address of listing(directory)) if (ownerOf(directory, address) === site) rmSync(`${directory}/${address}`, { force: true });
  }
}

const leasesOf = (paths: Paths, network: string): string => `${paths.stateDir}/networks/${network}`;

interface Range {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  readonly gateway: bigint | null;
  /** Podman's part of it. */
  readonly podmans: { readonly first: bigint; readonly last: bigint } | null;
}

function rangeOf({ subnet, gateway, lease_range: lease }: Subnet): Range {
  const [address = '', bits = '0'] = subnet.split('/');
  const family = address.includes(':') ? 6 : 4;
  const size = 1n << (BigInt(family === 4 ? 32 : 128) - BigInt(bits));
  const start = (toNumber(address) / size) * size;
  // The first is the subnet's own, the last is for all.
  const [first, last] = [start + 1n, start + size - 2n];
  return {
    family, first, last, gateway: gateway ? toNumber(gateway) : null,
    podmans: lease ? { first: lease.start_ip ? toNumber(lease.start_ip) : first, last: lease.end_ip ? toNumber(lease.end_ip) : last } : null,
  };
}

function contains({ family, first, last }: Range, address: string): boolean {
  if (address.includes(':') !== (family === 6)) return false;
  const number = toNumber(address);
  return number >= first && number <= last;
}

function isOurs({ gateway, podmans }: Range, address: bigint): boolean {
  return address !== gateway && (podmans === null || address < podmans.first || address > podmans.last);
}

function takeThis(directory: string, range: Range, site: string, address: string): string | null {
  return contains(range, address) && toNumber(address) !== range.gateway && take(directory, address, site) ? address : null;
}

function takeAny(directory: string, range: Range, site: string): string | null {
  const taken = new Set(readdirSync(directory));
  for (let number = range.last, looked = 0n; number >= range.first && looked < lookedAtMax; number -= 1n, looked += 1n) {
    if (range.podmans && number === range.podmans.last) number = range.podmans.first;
    if (!isOurs(range, number)) continue;
    const address = toText(number, range.family);
    if (!taken.has(address) && take(directory, address, site)) return address;
  }
  return null;
}

/** False: it is somebody's. */
function take(directory: string, address: string, site: string): boolean {
  try {
    symlinkSync(site, `${directory}/${address}`);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw stateError(directory, error);
  }
}

function ownerOf(directory: string, address: string): string | null {
  try {
    return readlinkSync(`${directory}/${address}`);
  } catch {
    return null;
  }
}

function listing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));

function toNumber(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((number, part) => number * 256n + BigInt(part), 0n);
  const [left = '', right] = (parseIpv6(address) ?? '::').split('::');
  const [before, after] = [groups(left), groups(right ?? '')];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
  return all.reduce((number, group) => number * 65_536n + BigInt(`0x${group}`), 0n);
}

function toText(number: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join('.');
  const text = Array.from({ length: 8 }, (_, i) => ((number >> BigInt(112 - 16 * i)) & 65_535n).toString(16)).join(':');
  return parseIpv6(text) ?? text;
}
