/** Named networks: netavark(1) makes them, with aardvark-dns for names, both as podman has them. */
import { createHash } from 'node:crypto';
import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import type { NamedNetwork, Site } from '../base/site.ts';
import { allotAddress } from './addresses.ts';
import { findProgram } from './find-program.ts';
import { readNetwork } from './podman-network.ts';

/** containers.conf(5), helper_binaries_dir. */
const helperDirs = '/usr/local/libexec/podman:/usr/local/lib/podman:/usr/libexec/podman:/usr/lib/podman';
/** Where podman has netavark keep what runs: one aardvark-dns serves its containers and our sites. */
const podmanRunDir = '/run/containers/networks';

/** @throws WakesockError `ERR_WAKESOCK_NETWORK` where a program or a network is missing */
export function netavarkCommand(networks: readonly NamedNetwork[]): string[] {
  const netavark = findProgram('netavark', 'netavark', 'ERR_WAKESOCK_NETWORK', helperDirs);
  const named = networks.map(({ name }) => readNetwork(name).info.dns_enabled).includes(true);
  const aardvark = named ? findProgram('aardvark-dns', 'aardvark-dns', 'ERR_WAKESOCK_NETWORK', helperDirs) : `${helperDirs.split(':').at(-1)}/aardvark-dns`;
  return [netavark, '--config', podmanRunDir, '--aardvark-binary', aardvark];
}

/** What netavark reads: the networks, and what the site is on them. Allots addresses. @throws WakesockError as {@link allotAddress} and {@link readNetwork} */
export function netavarkInput(site: Site, networks: readonly NamedNetwork[], paths: Paths): string {
  const found = networks.map((network) => ({ ...network, ...readNetwork(network.name) }));
  return JSON.stringify({
    // Its lines are found by it, also as part of others.
    container_id: createHash('sha256').update(`wakesock/${site.name}`).digest('hex'),
    container_name: nameOnNetwork(site),
    port_mappings: [],
    networks: Object.fromEntries(found.map(({ name, info, addresses, aliases }, i) => {
      const other = addresses.find((address) => !info.subnets.some(({ subnet }) => isFamilyOf(subnet)(address)));
      if (other !== undefined) throw new WakesockError('ERR_WAKESOCK_NETWORK', `${site.name}: expected the network ${name} to have addresses like ${other}, it has none of that family`);
      const own = info.subnets.map((subnet) => allotAddress(paths, name, subnet, site.name, addresses.find(isFamilyOf(subnet.subnet)) ?? null));
      return [name, { interface_name: `eth${i}`, static_ips: own, static_mac: hardwareAddress(own[0] ?? ''), aliases }];
    })),
    network_info: Object.fromEntries(found.map(({ name, info }) => [name, info])),
  });
}

const isFamilyOf = (subnet: string) => (address: string): boolean => address.includes(':') === subnet.includes(':');

/** The same at each wake: who knew it before would send to the old one for half a minute. As CNI made them: of the address, so that it is nobody else's. */
function hardwareAddress(address: string): string {
  const bytes = address.includes(':') ? createHash('sha256').update(address).digest().subarray(0, 4) : Buffer.from(address.split('.').map(Number));
  return `0a:58:${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`;
}

/** The site's name to the others on its networks: an `@` is in no host name. */
export const nameOnNetwork = ({ name }: Site): string => name.replace('@', '-');

/** The interfaces of the host by which these networks are reached. */
export function bridgesOf(networks: readonly NamedNetwork[]): string[] {
  return networks.map(({ name }) => String(readNetwork(name).info['network_interface'] ?? '')).filter((bridge) => /^[A-Za-z0-9_.-]{1,15}$/.test(bridge));
}

/** The addresses at which aardvark-dns answers on these networks. */
export function networkNameServers(networks: readonly NamedNetwork[]): string[] {
  return networks.flatMap(({ name }) => {
    const { info } = readNetwork(name);
    return info.dns_enabled ? info.subnets.flatMap(({ gateway }) => gateway ?? []) : [];
  });
}
