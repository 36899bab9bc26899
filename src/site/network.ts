/** `Network=`, `DNS=`, `AddHost=`, `Sysctl=`: their values, and what only shows between them. */
import type { NamedNetwork, NetworkMode, SiteNetwork } from '../base/site.ts';
import { parseIpv4, parseIpv6 } from '../unitfile/ip-address.ts';
import { quote } from '../unitfile/quote.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import type { SiteDraft } from './draft.ts';
import { parsePastaOptions } from './pasta-options.ts';
import { NotSupportedError, type Reading } from './reading.ts';
import { isHostName, parseHostName } from './values.ts';

const otherModes: Readonly<Record<string, string>> = {
  bridge: 'name the network: Network=podman is podman\'s own',
  slirp4netns: 'use pasta, which has taken its place',
  private: 'say which: none, pasta or the name of a network',
  container: 'a site shares no namespace with a container',
  ns: 'a site\'s namespaces are its own',
  pod: 'a site is one container; pods are not supported',
};

/** One `Network=`. */
export function parseNetwork(text: string): NetworkMode {
  const colon = text.indexOf(':');
  const mode = colon < 0 ? text : text.slice(0, colon);
  const options = colon < 0 ? '' : text.slice(colon + 1);
  if (mode === 'pasta') return { kind: 'pasta', options: parsePastaOptions(options, colon + 1) };
  if (mode === 'none' || mode === 'host') {
    if (options !== '') throw new UnitValueError(`Expected ${mode} without options, found ${quote(options)}`, { offset: colon, suggestion: mode });
    return { kind: mode };
  }
  const reason = otherModes[mode] ?? (mode.endsWith('.container') ? otherModes['container'] : undefined);
  if (reason !== undefined) throw new NotSupportedError(`Expected none, host, pasta or the name of a network, found ${quote(text)}: ${reason}`);
  // As podman has it for names of networks; the first letter also for the file that it is.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(mode)) throw new UnitValueError(`Expected none, host, pasta or the name of a network, found ${quote(text)}`);
  return { kind: 'named', networks: [{ name: mode, ...parseNamedOptions(options, colon + 1) }] };
}

/** `OPTION=VALUE,…` behind the name of a network, as podman has it. */
function parseNamedOptions(text: string, offset: number): Pick<NamedNetwork, 'addresses' | 'aliases'> {
  const [addresses, aliases]: [string[], string[]] = [[], []];
  let at = offset;
  for (const option of text === '' ? [] : text.split(',')) {
    const [name, value = ''] = option.split(/=(.*)/s);
    if (name === 'ip') addresses.push(parseFamily(value, 'ipv4'));
    else if (name === 'ip6') addresses.push(parseFamily(value, 'ipv6'));
    else if (name === 'alias') aliases.push(parseHostName(value));
    else throw new NotSupportedError(`Expected ip=, ip6= or alias=, found ${quote(option)}`, { offset: at });
    at += option.length + 1;
  }
  return { addresses, aliases };
}

/** `IP=`, `IP6=` */
export function parseFamily(text: string, family: 'ipv4' | 'ipv6'): string {
  const address = family === 'ipv4' ? parseIpv4(text) : parseIpv6(text);
  if (address === null) throw new UnitValueError(`Expected an IPv${family.slice(3)} address, found ${quote(text)}`);
  return address;
}

/** What of a network is there at all. */
export function assembleNetwork(draft: SiteDraft, reading: Reading): SiteNetwork {
  const mode = assembleMode(draft, reading);
  const { servers, search, options } = draft.dns;
  for (const each of [servers, search, options]) {
    const [line] = each ?? [];
    if (line !== undefined && mode.kind === 'none') reading.error('conflict', line.entry, `${line.entry.key}=: a site without a network asks nobody for names`, 'Network=pasta in [Container]');
  }
  const values = (lines: typeof servers): string[] | null => lines?.map(({ value }) => value) ?? null;
  return { mode, dns: { servers: values(servers), search: values(search), options: values(options) }, hosts: draft.addHosts };
}

function assembleMode({ networks, addresses, aliases }: SiteDraft, reading: Reading): NetworkMode {
  const [first, ...others] = networks;
  const single = networks.find(({ value }) => value.kind !== 'named');
  const [other] = single === undefined ? [] : networks.filter((network) => network !== single);
  if (other !== undefined) reading.error('conflict', other.entry, `Network=: Expected ${single?.value.kind} alone, found another beside it`);
  if (first?.value.kind !== 'named') {
    for (const { entry } of [...addresses, ...aliases]) reading.error('conflict', entry, `${entry.key}=: Expected a named network (Network=NAME), found ${first?.value.kind ?? 'none'}`);
    return first?.value ?? { kind: 'none' };
  }
  const [address] = addresses;
  if (others.length > 0 && address !== undefined) reading.error('conflict', address.entry, `${address.entry.key}=: which of the networks it is for must be said there: Network=NAME:ip=ADDRESS`);
  const named = networks.flatMap(({ value, entry }) => (value.kind === 'named' ? value.networks.map((network) => ({ network, entry })) : []));
  for (const [i, { network, entry }] of named.entries()) {
    if (named.findIndex((before) => before.network.name === network.name) < i) reading.error('conflict', entry, `Network=: Expected each network once, found ${network.name} again`);
  }
  return {
    kind: 'named',
    networks: named.map(({ network }) => ({
      name: network.name, addresses: [...network.addresses, ...addresses.map(({ value }) => value)], aliases: [...network.aliases, ...aliases.map(({ value }) => value)],
    })),
  };
}

/** `DNS=`: the address of a name server. */
export function parseNameServer(text: string): string {
  if (text === 'none') throw new NotSupportedError('/etc/resolv.conf is always made for a site with a network; use Volume= for one of your own');
  return parseAddress(text);
}

/** `DNSSearch=`: a domain, or `.` for none. */
export function parseSearchDomain(text: string): string {
  if (text !== '.' && !isHostName(text.toLowerCase().replace(/\.$/, ''))) throw new UnitValueError(`Expected a domain such as example.com, or ".", found ${quote(text)}`);
  return text;
}

/** `DNSOption=`: resolv.conf(5), options. */
export function parseResolverOption(text: string): string {
  if (!/^[a-z][a-z0-9-]*(?::\d{1,5})?$/.test(text)) throw new UnitValueError(`Expected an option of resolv.conf(5) such as ndots:1, found ${quote(text)}`);
  return text;
}

/** `AddHost=NAME[;NAME…]:ADDRESS` */
export function parseAddHost(text: string): SiteNetwork['hosts'][number] {
  const colon = text.indexOf(':');
  if (colon < 0) throw new UnitValueError(`Expected NAME:ADDRESS, found ${quote(text)}`);
  const names = text.slice(0, colon).split(';');
  const wrong = names.find((name) => !isHostName(name.toLowerCase()));
  if (wrong !== undefined) throw new UnitValueError(`Expected a host name, found ${quote(wrong)}`);
  const address = text.slice(colon + 1).replace(/^\[(.*)\]$/, '$1');
  if (address === 'host-gateway') throw new NotSupportedError('No address leads from a site to the host: name one of the host\'s own', { offset: colon + 1 });
  return { names, address: parseAddress(address, colon + 1) };
}

export function parseAddress(text: string, offset = 0): string {
  const address = parseIpv4(text) ?? parseIpv6(text);
  if (address === null) throw new UnitValueError(`Expected an IPv4 or IPv6 address, found ${quote(text)}`, { offset });
  return address;
}

/** Settings that namespaces(7) has for each: ipc_namespaces(7), and the domain name of uts_namespaces(7). As crun has them. */
const ownSettings = new Set([
  'kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni', 'kernel.shm_rmid_forced', 'kernel.domainname',
]);

/** `Sysctl=NAME=VALUE`: the name with dots, as sysctl(8) prints it. */
export function parseSysctl(text: string): { name: string; value: string } {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(0, equals)).replaceAll('/', '.');
  const value = text.slice(equals + 1);
  if (!/^[a-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+$/.test(name) || value === '') throw new UnitValueError(`Expected NAME=VALUE such as net.ipv4.ip_local_port_range=1024 65000, found ${quote(text)}`);
  if (name === 'kernel.hostname') throw new NotSupportedError('The host name is that of HostName=');
  if (!name.startsWith('net.') && !name.startsWith('fs.mqueue.') && !ownSettings.has(name)) throw new NotSupportedError(`${name} is a setting of the whole machine: sites have their own of net., fs.mqueue. and what ipc_namespaces(7) lists`);
  return { name, value };
}

export function assembleSysctls({ sysctls }: SiteDraft, mode: NetworkMode, reading: Reading): Record<string, string> {
  for (const [name, { entry }] of sysctls) {
    if (mode.kind === 'host' && name.startsWith('net.')) reading.error('conflict', entry, `Sysctl=${name}: with Network=host it would be the machine's`);
  }
  return Object.fromEntries([...sysctls].map(([name, { value }]) => [name, value]));
}
