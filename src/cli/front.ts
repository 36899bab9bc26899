import { WakesockError } from '../base/errors.ts';
import { exitIdleMsDefault } from '../base/limits.ts';
import { parseSocketAddress } from '../unitfile/socket-address.ts';
import { exitIdleMsOf, logLevelOf } from './options.ts';
import { pathOptionRows, pathOptions, pathsOf } from './paths.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'front',
  summary: 'The front door: many sites behind one port, by the host name that is asked for.',
  usage: 'wakesock front [OPTION…]',
  options: [
    ['--listen=ADDRESS', '8080, 127.0.0.1:8080 or [::]:8080; may be given several times. Beside the sockets that systemd passes.'],
    ['--exit-idle-time=SPAN', 'End when there was no connection for this long: 30s (the default), 5min, infinity (the default with --listen=).'],
    ['--log-level=LEVEL', 'trace, debug, info (the default), warn or error.'],
    ...pathOptionRows,
  ],
  details: `
wakesock-front.service runs this; \`systemctl enable --now wakesock-front.socket\` opens port 80. HTTP/1.1 requests go to
the enabled site whose Host= has the name; a site that sleeps is woken, and the request waits. GET /.well-known/wakesock of
any of its names tells the state of a site without waking it.

It starts nothing itself: it holds a lease of each site with requests in flight (docs/front.md).`,
  parse: { ...pathOptions, listen: { type: 'string', multiple: true }, 'exit-idle-time': { type: 'string' }, 'log-level': { type: 'string' } },
  async run({ paths }, values, positionals) {
    if (positionals[0] !== undefined) throw new WakesockError('ERR_WAKESOCK_USAGE', `front takes no sites, got ${positionals[0]}; it serves all that have Host=`);
    const listen = [values['listen'] ?? []].flat().map((text) => listenAddressOf(String(text)));
    const span = values['exit-idle-time'];
    const options = {
      paths: pathsOf(values, paths), listen, logLevel: logLevelOf(values['log-level'] ?? 'info'),
      exitIdleMs: typeof span === 'string' ? exitIdleMsOf(span) : listen.length > 0 ? Infinity : exitIdleMsDefault,
    };
    const { runFront } = await import('../front/index.ts');
    return runFront(options);
  },
};

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
