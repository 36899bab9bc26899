/** The container's /etc/hosts, hosts(5). */
import { readFileSync } from 'node:fs';
import type { Site } from '../base/site.ts';
import { hostNameOf } from './bundle.ts';

/** Its names count in a site that is in the host's network, as podman has it. */
export const hostHostsFile = '/etc/hosts';
const bytesMax = 64 * 1024;

/** `localhost`, the container's own name, and what the site adds, which comes first: of two lines for a name the first counts. */
export function hostsText(site: Site, readHost: () => string = read): string {
  const { mode, hosts } = site.network;
  const added = hosts.map(({ address, names }) => `${address} ${names.join(' ')}\n`);
  return `${added.join('')}127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 ${hostNameOf(site)}\n${mode.kind === 'host' ? readHost() : ''}`;
}

function read(): string {
  try {
    return readFileSync(hostHostsFile).subarray(0, bytesMax).toString('utf8');
  } catch {
    return '';
  }
}
