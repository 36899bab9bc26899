/** Networks as podman keeps them: podman-network(1), /etc/containers/networks/NAME.json. */
import { existsSync, readFileSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { parseIpv4, parseIpv6 } from '../unitfile/ip-address.ts';
import { readUnitFile } from '../unitfile/load.ts';

export interface NetworkPlaces {
  /** podman's configuration of networks. */
  readonly networks: string;
  /** Where Quadlet looks for files, highest precedence first. */
  readonly quadlets: readonly string[];
}

export const networkPlaces: NetworkPlaces = {
  networks: '/etc/containers/networks', quadlets: ['/etc/containers/systemd', '/run/containers/systemd', '/usr/local/share/containers/systemd', '/usr/share/containers/systemd'],
};

export interface Subnet {
  readonly subnet: string;
  readonly gateway?: string;
  readonly lease_range?: { readonly start_ip?: string; readonly end_ip?: string };
}

export interface PodmanNetwork {
  readonly name: string;
  /** As netavark takes it. */
  readonly info: { readonly dns_enabled: boolean; readonly subnets: readonly Subnet[] } & Readonly<Record<string, unknown>>;
  /** Files that this was read from, or would be. */
  readonly files: readonly string[];
}

/** podman's own, which has no file as long as nobody changes it. */
const builtIn = {
  name: 'podman', id: '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9', driver: 'bridge', network_interface: 'podman0',
  subnets: [{ subnet: '10.88.0.0/16', gateway: '10.88.0.1' }], ipv6_enabled: false, internal: false, dns_enabled: false, ipam_options: { driver: 'host-local' },
};
const bytesMax = 1024 * 1024;

/** @param asked a name, or that of a Quadlet file @throws WakesockError `ERR_WAKESOCK_NETWORK`, `ERR_WAKESOCK_NOT_SUPPORTED` */
export function readNetwork(asked: string, places: NetworkPlaces = networkPlaces): PodmanNetwork {
  const { name, file } = asked.endsWith('.network') ? ofQuadlet(asked, places) : { name: asked, file: null };
  const path = `${places.networks}/${name}.json`;
  const files = [...file === null ? [] : [file], path];
  const remedy = file === null ? `podman network create ${name}` : `systemctl start ${asked.replace(/\.network$/, '-network.service')}`;
  if (name === builtIn.name && !existsSync(path)) return { name, info: builtIn, files };
  let info: unknown;
  try {
    const text = readFileSync(path);
    if (text.length > bytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `${path}: expected at most ${bytesMax} bytes, found ${text.length}`);
    info = JSON.parse(text.toString('utf8'));
  } catch (error) {
    if (error instanceof WakesockError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new WakesockError('ERR_WAKESOCK_NETWORK', `Network=${asked}: expected a network of podman's named ${name}, there is none in ${places.networks}; ${remedy}`);
    throw new WakesockError('ERR_WAKESOCK_NETWORK', `Network=${asked}: ${path} could not be read: ${(error as Error).message}`, { cause: error });
  }
  return { name, info: checked(asked, info), files };
}

/** The name that Quadlet gives the network of a file. */
function ofQuadlet(asked: string, { quadlets }: NetworkPlaces): { name: string; file: string } {
  const file = quadlets.map((directory) => `${directory}/${asked}`).find((path) => existsSync(path));
  if (file === undefined) throw new WakesockError('ERR_WAKESOCK_NETWORK', `Network=${asked}: expected this file in ${quadlets.join(', ')}, found none`);
  const named = readUnitFile(file).entries.findLast(({ section, key, value }) => section === 'Network' && key === 'NetworkName' && value !== '');
  const name = named?.value ?? `systemd-${asked.replace(/\.network$/, '')}`;
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw new WakesockError('ERR_WAKESOCK_NETWORK', `Network=${asked}: expected a name of a network as NetworkName= in ${file}, found ${JSON.stringify(name)}`);
  return { file, name };
}

/** What is looked at here; the rest is netavark's to look at. */
function checked(asked: string, info: unknown): PodmanNetwork['info'] {
  const network = (typeof info === 'object' && info !== null ? info : {}) as PodmanNetwork['info'];
  if (network['driver'] !== 'bridge') throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `Network=${asked}: expected a network of the driver bridge, found ${JSON.stringify(network['driver'])}`);
  const ipam = (network['ipam_options'] as { driver?: unknown } | undefined)?.driver ?? 'host-local';
  if (ipam !== 'host-local') throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `Network=${asked}: expected addresses of the driver host-local, found ${JSON.stringify(ipam)}`);
  const whole = Array.isArray(network.subnets) && network.subnets.length > 0 && network.subnets.every(({ subnet }) => {
    const [address = '', bits = ''] = String(subnet).split('/');
    return (parseIpv4(address) !== null && Number(bits) <= 30) || (parseIpv6(address) !== null && Number(bits) <= 126);
  });
  if (!whole || typeof network['name'] !== 'string') throw new WakesockError('ERR_WAKESOCK_NETWORK', `Network=${asked}: expected subnets of podman's form with room for addresses`);
  return network;
}
