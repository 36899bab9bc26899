import type { ListenAddress, ProgramPort } from '../base/site.ts';
import { parseIpv4, parseIpv6 } from '../unitfile/ip-address.ts';
import { quote } from '../unitfile/quote.ts';
import { parsePort } from '../unitfile/socket-address.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { tcpAddress } from './listen-address.ts';
import { NotSupportedError } from './reading.ts';

/** Reads Quadlet's `PublishPort=[ADDRESS:]PORT:PORT[/tcp]`: where to listen, and what the program binds. */
export function parsePublishPort(text: string): { listen: ListenAddress; port: ProgramPort } {
  const slash = text.indexOf('/');
  const protocol = slash < 0 ? 'tcp' : text.slice(slash + 1).toLowerCase();
  const ports = slash < 0 ? text : text.slice(0, slash);
  if (protocol === 'udp' || protocol === 'sctp') throw new NotSupportedError(`${protocol.toUpperCase()} is not supported: only stream sockets can wake a site`, { offset: slash + 1 });
  if (protocol !== 'tcp') throw new UnitValueError(`Expected /tcp, found ${quote(text.slice(slash))}`, { offset: slash });

  const bracket = /^\[([^\]]*)\]:(.*)$/.exec(ports);
  const parts = (bracket === null ? ports : bracket[2] as string).split(':');
  const address = bracket === null ? (parts.length === 3 ? parts.shift() as string : '') : bracket[1] as string;
  const [outside = '', inside, ...rest] = parts;
  if (rest.length > 0) throw new UnitValueError(`Expected [ADDRESS:]PORT:PORT, found ${quote(text)}`);
  if (inside === undefined || outside === '') {
    const only = inside ?? outside;
    throw new UnitValueError('Expected the port to listen on before the program\'s: podman would choose one at random', /^\d+$/.test(only) ? { suggestion: `${only}:${only}` } : {});
  }
  if (outside.includes('-') || inside.includes('-')) throw new NotSupportedError('Ranges of ports are not supported yet: write one PublishPort= for each');
  const port: ProgramPort = { kind: 'tcp', port: parsePort(inside, ports.length - inside.length) };
  const outsidePort = parsePort(outside, ports.length - inside.length - outside.length - 1);
  if (bracket !== null) {
    const v6 = parseIpv6(address);
    if (v6 === null) throw new UnitValueError(`Expected an IPv6 address in brackets, found ${quote(address)}`, { offset: 1 });
    return { listen: tcpAddress('ipv6', v6, outsidePort), port };
  }
  const v4 = address === '' ? '0.0.0.0' : parseIpv4(address);
  if (v4 === null) throw new UnitValueError(`Expected an IPv4 address, found ${quote(address)}`);
  return { listen: tcpAddress('ipv4', v4, outsidePort), port };
}
