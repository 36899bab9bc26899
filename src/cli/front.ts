import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { clientConnectionsMaxDefault, exitIdleMsDefault, idleClientsMaxDefault } from '../base/limits.ts';
import type { FrontOptions } from '../front/index.ts';
import { parseIpPrefixes, type IpPrefix } from '../unitfile/ip-prefix.ts';
import { parseSocketAddress } from '../unitfile/socket-address.ts';
import { exitIdleMsOf, logLevelOf } from './options.ts';
import { controlOptionRow, pathOptionRows, pathOptions, pathsOf } from './paths.ts';
import type { Verb, VerbValues } from './verb.ts';

export const verb: Verb = {
  name: 'front',
  summary: 'The front door: many sites behind one port, by the host name that is asked for.',
  usage: 'wakesock front [OPTION…]',
  options: [
    ['--listen=ADDRESS', '8080, 127.0.0.1:8080 or [::]:8080; may be given several times. Beside the sockets that systemd passes.'],
    ['--trusted=PREFIX…', 'Peers such as 10.0.0.0/8 or ::1 that may say whose requests theirs are: X-Forwarded-For and the like are kept and added to, not removed.'],
    ['--proxy-protocol=PREFIX…', 'Peers whose connections to the HTTP sockets begin with a PROXY protocol header of version 2. Others cannot send one.'],
    ['--max-connections-per-client=N', `Connections of one address, or IPv6 /64, at once: ${clientConnectionsMaxDefault} by default. Not of this machine and the peers above.`],
    ['--max-idle-connections=N', `Connections between two requests: ${idleClientsMaxDefault} by default. Beyond it the oldest is closed.`],
    ['--exit-idle-time=SPAN', 'End when there was no connection for this long: 30s (the default), 5min, infinity (the default with --listen=).'],
    ['--log-level=LEVEL', 'trace, debug, info (the default), warn or error.'],
    ...pathOptionRows.filter(([option]) => option !== controlOptionRow[0]),
    [controlOptionRow[0], 'The activator\'s control socket or its lease socket, which is enough (default $WAKESOCK_CONTROL, which wakesock-front.service sets to the latter, or RUNTIME-DIR/control.sock).'],
  ],
  details: `
wakesock-front.service runs this; \`systemctl enable --now wakesock-front.socket\` opens port 80. HTTP/1.1 requests go to
the enabled site whose Host= has the name; a site that sleeps is woken, and the request waits. GET /.well-known/wakesock of
any of its names tells the state of a site without waking it.

It starts nothing itself: it holds a lease of each site with requests in flight (docs/front.md).`,
  parse: { ...pathOptions, listen: { type: 'string', multiple: true }, trusted: { type: 'string', multiple: true }, 'proxy-protocol': { type: 'string', multiple: true },
    'max-connections-per-client': { type: 'string' }, 'max-idle-connections': { type: 'string' }, 'exit-idle-time': { type: 'string' }, 'log-level': { type: 'string' } },
  async run({ paths }, values, positionals) {
    if (positionals[0] !== undefined) throw new WakesockError('ERR_WAKESOCK_USAGE', `front takes no sites, got ${positionals[0]}; it serves all that have Host=`);
    const options = frontOptionsOf(values, paths);
    const { runFront } = await import('../front/index.ts');
    return runFront(options);
  },
};

/** @throws WakesockError ERR_WAKESOCK_USAGE */
export function frontOptionsOf(values: VerbValues, paths: Paths): FrontOptions {
  const listen = [values['listen'] ?? []].flat().map((text) => listenAddressOf(String(text)));
  const span = values['exit-idle-time'];
  // Our units say so, since it goes with the group that they give.
  const ownPaths = pathsOf(values, { ...paths, controlPath: process.env['WAKESOCK_CONTROL'] ?? paths.controlPath });
  return {
    paths: ownPaths, listen,
    // More than one where a drop-in names more: ours is the first.
    cacheDir: process.env['CACHE_DIRECTORY']?.split(':', 1)[0] ?? `${ownPaths.stateDir}/front`, logLevel: logLevelOf(values['log-level'] ?? 'info'),
    exitIdleMs: typeof span === 'string' ? exitIdleMsOf(span) : listen.length > 0 ? Infinity : exitIdleMsDefault,
    peers: {
      trusted: prefixesOf(values, 'trusted'), proxies: prefixesOf(values, 'proxy-protocol'),
      perClientMax: countOf(values, 'max-connections-per-client', clientConnectionsMaxDefault),
    },
    idleClientsMax: countOf(values, 'max-idle-connections', idleClientsMaxDefault),
  };
}

/** @throws WakesockError ERR_WAKESOCK_USAGE */
function prefixesOf(values: VerbValues, option: string): IpPrefix[] {
  try {
    return [values[option] ?? []].flat().flatMap((text) => parseIpPrefixes(String(text).replaceAll(',', ' ')));
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_USAGE', `--${option}: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws WakesockError ERR_WAKESOCK_USAGE */
function countOf(values: VerbValues, option: string, byDefault: number): number {
  const text = values[option];
  if (text === undefined) return byDefault;
  if (typeof text === 'string' && /^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected --${option} to be a number from 1 to 999999999, got ${String(text)}`);
}

/** @throws WakesockError ERR_WAKESOCK_USAGE */
function listenAddressOf(text: string): { host: string; port: number } {
  try {
    const address = parseSocketAddress(text);
    if (address.kind === 'port') return { host: '0.0.0.0', port: address.port };
    if (address.kind === 'ipv4' || address.kind === 'ipv6') return { host: address.address, port: address.port };
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_USAGE', `--listen: ${(error as Error).message}`, { cause: error });
  }
  throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected --listen to be a port, IPV4:PORT or [IPV6]:PORT, got ${text}`);
}
