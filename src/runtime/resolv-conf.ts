/** The container's /etc/resolv.conf, resolv.conf(5), by podman's rules: the host's, less what the container cannot reach. */
import { readFileSync } from 'node:fs';
import type { SiteNetwork } from '../base/site.ts';
import { networkNameServers } from './netavark.ts';
import { forwarderAddress, forwarderOf } from './pasta.ts';

/** Where the host's is, and where systemd-resolved writes what it asks itself: /etc/resolv.conf then names only its own loopback address. */
export const hostResolvConf = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'] as const;
const bytesMax = 64 * 1024;

/** Null: a site without a network has no use for one. */
export function resolvConf(network: SiteNetwork, read: (path: string) => string = readHost): string | null {
  if (network.mode.kind === 'none') return null;
  const host = parse(read(hostResolvConf[0]));
  const { servers, search, options } = network.dns;
  const domains = (search ?? host.search).filter((domain) => domain !== '.');
  return [
    ...domains.length > 0 ? [`search ${domains.join(' ')}`] : [],
    ...(servers ?? reachable(network, host.servers, read)).map((server) => `nameserver ${server}`),
    ...(options ?? host.options).length > 0 ? [`options ${(options ?? host.options).join(' ')}`] : [],
    '',
  ].join('\n');
}

/** Whom a site with this network asks. */
export function nameServers(network: SiteNetwork, read: (path: string) => string = readHost): readonly string[] {
  return network.dns.servers ?? reachable(network, parse(read(hostResolvConf[0])).servers, read);
}

function reachable({ mode }: SiteNetwork, servers: readonly string[], read: (path: string) => string): readonly string[] {
  if (mode.kind === 'host') return servers;
  const own = mode.kind === 'named' ? networkNameServers(mode.networks) : [];
  if (own.length > 0) return own;
  const others = servers.filter((server) => !isLoopback(server));
  if (others.length > 0) return others;
  if (mode.kind === 'pasta') return [forwarderOf(mode.options) ?? forwarderAddress];
  return parse(read(hostResolvConf[1])).servers.filter((server) => !isLoopback(server));
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

interface ResolvConf {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Of `search` and `domain` the last line counts, of the others all. */
function parse(text: string): ResolvConf {
  let search: string[] = [];
  const [servers, options]: [string[], string[]] = [[], []];
  for (const line of text.split('\n')) {
    const [key, ...values] = line.replace(/[#;].*$/, '').trim().split(/\s+/);
    if (key === 'nameserver') servers.push(...values.slice(0, 1));
    else if (key === 'search' || key === 'domain') search = values;
    else if (key === 'options') options.push(...values);
  }
  return { servers, search, options };
}

/** Empty where there is none. */
function readHost(path: string): string {
  try {
    return readFileSync(path).subarray(0, bytesMax).toString('utf8');
  } catch {
    return '';
  }
}
