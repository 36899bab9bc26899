/** Rows of the schema about a site's network. */
import { each, one, type KeyRow, type ReadKey } from './key-row.ts';
import type { From, SiteDraft } from './draft.ts';
import { parseHostName } from './values.ts';
import { parseAddHost, parseFamily, parseNameServer, parseNetwork, parseResolverOption, parseSearchDomain, parseSysctl } from './network.ts';
import { splitWords } from '../unitfile/words.ts';

export const networkRows: readonly KeyRow[] = [
  {
    section: 'Container', key: 'Network', syntax: 'none | host | pasta[:OPTION,…] | NAME[:OPTION,…]', list: true, default: 'none',
    text: '`none`: nothing but its sockets. `pasta`: outgoing connections by the program pasta(1). `host`: the machine\'s own network. Else a network of podman\'s (podman-network(1)), or `NAME.network`, that of the Quadlet file. See [network.md](network.md).',
    read: each(parseNetwork, (draft, value, entry) => { draft.networks.push({ value, entry }); }),
  },
  {
    section: 'Container', key: 'IP', syntax: 'ADDRESS', default: 'one that is kept for the site', text: 'The IPv4 address of the site on its named network.',
    read: one((text) => parseFamily(text, 'ipv4'), (draft, value, entry) => { draft.addresses.push({ value, entry }); }),
  },
  {
    section: 'Container', key: 'IP6', syntax: 'ADDRESS', default: 'one that is kept for the site', text: 'The IPv6 address of the site on its named network.',
    read: one((text) => parseFamily(text, 'ipv6'), (draft, value, entry) => { draft.addresses.push({ value, entry }); }),
  },
  {
    section: 'Container', key: 'NetworkAlias', syntax: 'NAME', list: true, text: 'Another name of the site on its named networks.',
    read: each(parseHostName, (draft, value, entry) => { draft.aliases.push({ value, entry }); }),
  },
  {
    section: 'Container', key: 'DNS', syntax: 'ADDRESS', list: true, default: 'the host\'s, as far as the site can reach them',
    text: 'Name servers of the site.',
    read: each(parseNameServer, line('servers')),
  },
  {
    section: 'Container', key: 'DNSSearch', syntax: 'DOMAIN | .', list: true, default: 'the host\'s', text: 'Domains in which short names are looked for; `.` for none.',
    read: each(parseSearchDomain, line('search')),
  },
  {
    section: 'Container', key: 'DNSOption', syntax: 'OPTION', list: true, default: 'the host\'s', text: 'Options of resolv.conf(5), for example `ndots:1`.',
    read: each(parseResolverOption, line('options')),
  },
  {
    section: 'Container', key: 'AddHost', syntax: 'NAME[;NAME…]:ADDRESS', list: true, text: 'A line of the site\'s /etc/hosts, with or without a network.',
    read: each(parseAddHost, (draft, value) => { draft.addHosts.push(value); }),
  },
  {
    section: 'Container', key: 'Sysctl', syntax: 'NAME=VALUE…', list: true,
    text: 'Kernel settings of the site\'s own namespaces: `net.` (not with `Network=host`), `fs.mqueue.`, and what ipc_namespaces(7) lists.',
    read: readSysctls,
  },
];

function line(kind: keyof SiteDraft['dns']): (draft: SiteDraft, value: string, entry: From<string>['entry']) => void {
  return (draft, value, entry) => { (draft.dns[kind] ??= []).push({ value, entry }); };
}

function readSysctls(...[draft, entries, reading]: Parameters<ReadKey>): void {
  for (const entry of entries) {
    reading.attempt(entry, () => {
      for (const word of splitWords(reading.expand(entry.value)).map(({ text }) => text)) {
        const { name, value } = parseSysctl(word);
        draft.sysctls.set(name, { value, entry });
      }
    });
  }
}
