import type { ListenAddress } from '../base/site.ts';
import { parseSocketAddress } from '../unitfile/socket-address.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { NotSupportedError } from './reading.ts';

/** Reads `ListenStream=` of a site. A bare port is IPv4 (design section 4: both families of program serve it). */
export function parseListenAddress(text: string): ListenAddress {
  const address = parseSocketAddress(text);
  switch (address.kind) {
    case 'abstract':
      throw new UnitValueError('Expected a path or a port: an abstract UNIX socket cannot be held while the site stops', { suggestion: `/run/${address.name.replaceAll('/', '-')}.sock` });
    case 'vsock':
      throw new NotSupportedError('AF_VSOCK sockets are not supported yet');
    case 'path':
      return { family: 'unix', path: address.path, text: address.path };
    case 'port':
      return tcpAddress('ipv4', '0.0.0.0', address.port);
    case 'ipv4':
      return tcpAddress('ipv4', address.address, address.port);
    case 'ipv6':
      if (address.zone !== null) throw new NotSupportedError('IPv6 addresses with a zone are not supported yet', { offset: text.indexOf('%') });
      return tcpAddress('ipv6', address.address, address.port);
  }
}

/** `text` is the canonical form, fit for `ListenStream=`. */
export function tcpAddress(family: 'ipv4' | 'ipv6', address: string, port: number): ListenAddress {
  return { family, address, port, text: family === 'ipv6' ? `[${address}]:${port}` : `${address}:${port}` };
}
