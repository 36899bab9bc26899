/** What `wakesock bench SITE|URL` asks, and which site that is. */
import type { Address } from '../bench/ask.ts';
import { WakesockError } from '../base/errors.ts';
import type { ControlClient } from '../control/client.ts';
import type { SiteStatus } from '../control/types.ts';

export interface BenchTarget {
  readonly site: string;
  readonly handoff: string;
  /** For people. */
  readonly url: string;
  readonly address: Address;
  readonly request: string;
}

/** @throws WakesockError ERR_WAKESOCK_USAGE: it cannot be asked, or is nobody's or several sites' */
export async function findTarget(name: string, client: ControlClient): Promise<BenchTarget> {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(name) ? ofUrl(name, client) : ofSite(await client.site(name));
}

function ofSite({ name, handoff, listen: [listen], hosts: [host] }: SiteStatus): BenchTarget {
  if (listen === undefined) throw new WakesockError('ERR_WAKESOCK_USAGE', `${name} has no socket of its own; ask for the URL that it is reached by`);
  const path = listen.startsWith('/');
  const address = path ? { path: listen } : tcpAddress(listen);
  const asked = host === undefined || host.includes('*') ? 'localhost' : host;
  return { site: name, handoff, url: path ? listen : `http://${listen}/`, address, request: requestFor('/', asked) };
}

async function ofUrl(text: string, client: ControlClient): Promise<BenchTarget> {
  const url = parse(text);
  const port = Number(url.port || 80);
  const { sites } = await client.report();
  const byHost = sites.filter(({ hosts }) => hosts.some((host) => covers(host, url.hostname)));
  const found = byHost.length > 0 ? byHost : sites.filter(({ listen }) => listen.some((each) => each.endsWith(`:${port}`)));
  const [site] = found;
  if (site === undefined) throw new WakesockError('ERR_WAKESOCK_USAGE', `No site has the host name ${url.hostname} or listens on port ${port}`);
  if (found.length > 1) throw new WakesockError('ERR_WAKESOCK_USAGE', `${text} is of several sites: ${found.map(({ name }) => name).join(', ')}; name one of them`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { site: site.name, handoff: site.handoff, url: url.href, address: { host, port }, request: requestFor(`${url.pathname}${url.search}`, url.host) };
}

function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:') return url;
  throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected a site or a URL that begins with http://, got ${text}`);
}

/** `Host=`: a name, or `*.example.com`. */
function covers(pattern: string, name: string): boolean {
  return pattern === name || (pattern.startsWith('*.') && name.endsWith(pattern.slice(1)));
}

/** An address that stands for all of the machine's is reached by the loopback one. */
function tcpAddress(listen: string): Address {
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  const port = Number(listen.slice(at + 1));
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}

function requestFor(path: string, host: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: wakesock-bench\r\nConnection: close\r\n\r\n`;
}
