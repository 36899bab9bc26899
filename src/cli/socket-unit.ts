import { readFileSync } from 'node:fs';
import type { ListenAddress, Site } from '../base/site.ts';
import { relayFdName, relayServiceName, serviceUnitName, socketSliceName } from '../systemd/unit-names.ts';
import { isOurs } from './written-files.ts';

/** The socket unit that `enable` writes of a site's `ListenStream=`: systemd.socket(5). */
export function socketUnitText(site: Pick<Site, 'name' | 'description' | 'listen' | 'handoff'>): string {
  const { name, listen } = site;
  const relayed = site.handoff === 'relay';
  return `# Written by \`wakesock enable\` from the site's ListenStream=; \`wakesock disable\` removes it.
# Changes belong into drop-ins: systemctl edit wakesock-site-${name}.socket

[Unit]
Description=${literal(site.description === '' ? `Site ${name}` : site.description)} (wakesock)
# systemd 257 counts starts of sockets, too.
StartLimitIntervalSec=0

[Socket]
${listen.map((address) => `ListenStream=${listenStream(address)}\n`).join('')}${bindOptions(listen)}FileDescriptorName=${relayed ? relayFdName(name) : name}
Service=${serviceOf(site)}
# systemd looks at all units of a slice at the start of each: thousands in one would take it minutes.
Slice=${socketSliceName(name)}
# The limit would make the socket fail for good.
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
`;
}

/** Who takes the connections of a site's sockets. */
export function serviceOf({ name, handoff }: Pick<Site, 'name' | 'handoff'>): string {
  return handoff === 'relay' ? relayServiceName(name) : serviceUnitName;
}

/** Whose the sockets of a unit are that `enable` wrote; null where there is none. */
export function serviceInFile(path: string): string | null {
  return isOurs(path) ? /^Service=(.*)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? null : null;
}

/** A bare port would be IPv6: it is written as what the site means by it. */
function listenStream(address: ListenAddress): string {
  if (address.family === 'unix') return literal(address.path);
  return address.family === 'ipv4' ? `${address.address}:${address.port}` : `[${address.address}]:${address.port}`;
}

function bindOptions(listen: readonly ListenAddress[]): string {
  let options = '';
  if (listen.some(({ family }) => family === 'ipv6')) {
    options += '# So that the same port can be had on IPv4, and no program meets an IPv4 client as ::ffff:…\nBindIPv6Only=ipv6-only\n';
  }
  if (listen.some((address) => address.family !== 'unix' && isOneInterface(address.address))) {
    options += '# At boot the address may come later than the socket.\nFreeBind=yes\n';
  }
  return options;
}

function isOneInterface(address: string): boolean {
  return address !== '0.0.0.0' && address !== '::' && address !== '::1' && !address.startsWith('127.');
}

/** Specifiers are systemd's, not the site's. */
function literal(text: string): string {
  return text.replaceAll(/[\0-\u001F\u007F]+/g, ' ').replaceAll('%', '%%').replace(/\\$/, '\\\\ ');
}
