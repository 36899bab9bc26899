/** Small value readers of site keys. All throw UnitValueError. */
import { domainToASCII } from 'node:url';
import type { ListenAddress, ProgramPort } from '../base/site.ts';
import { quote } from '../unitfile/quote.ts';
import { parsePort, parseSocketAddress, unixPathBytesMax } from '../unitfile/socket-address.ts';
import { isUnitName } from '../unitfile/unit-name.ts';
import { suggest } from '../unitfile/suggest.ts';
import { parseTimeSpanMs } from '../unitfile/time-span.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { tcpAddress } from './listen-address.ts';
import { NotSupportedError } from './reading.ts';

/** `infinity` in milliseconds: the longest timer that Node and JSON can carry, 24.8 days. A longer one would fire at once. */
export const timerMsMax = 2 ** 31 - 1;

/** A time span in whole milliseconds; `infinity` and what is longer than a timer is {@link timerMsMax}. */
export function parseMs(text: string): number {
  return Math.min(Math.ceil(parseTimeSpanMs(text)), timerMsMax);
}

/** As {@link parseMs}; 0 turns the timeout off, as systemd has it for the timeouts of services. */
export function parseTimeoutMs(text: string): number {
  return parseMs(text) || timerMsMax;
}

/** As {@link parseMs}; `infinity` is none at all. */
export function parseWaitPageAfter(text: string): number {
  const ms = parseMs(text);
  return ms === timerMsMax ? Infinity : ms;
}

/** An absolute path without `..`, slashes tidied. */
export function parseAbsolutePath(text: string): string {
  if (!text.startsWith('/')) throw new UnitValueError(`Expected an absolute path, found ${quote(text)}`);
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new UnitValueError(`Expected a path without "..", found ${quote(text)}`);
  return `/${parts.join('/')}`;
}

export function parseText(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new UnitValueError('Expected text without control characters');
  return text;
}

/** `Rootfs=PATH`; Quadlet's `:OPTIONS` are refused. */
export function parseRootfs(text: string): string {
  const colon = text.indexOf(':');
  if (colon >= 0) throw new NotSupportedError(`The options ${quote(text.slice(colon))} are not supported yet`, { offset: colon, suggestion: text.slice(0, colon) });
  return parseAbsolutePath(text);
}

/** Linux capabilities (`man 7 capabilities`), without CAP_. */
const capabilities = ('CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE '
  + 'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE '
  + 'SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM '
  + 'BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE').split(' ');

/** Names with or without `CAP_`, any case, separated by spaces. Returned as `CAP_NET_RAW`, or `ALL`. */
export function parseCapabilities(text: string): string[] {
  return text.split(/[ \t\n\r]+/).filter((word) => word !== '').map((word) => {
    const upper = word.toUpperCase();
    if (upper === 'ALL') return 'ALL';
    const name = upper.startsWith('CAP_') ? upper.slice(4) : upper;
    if (capabilities.includes(name)) return `CAP_${name}`;
    const near = suggest(name, capabilities);
    throw new UnitValueError(`Expected a capability such as CAP_NET_RAW, or all, found ${quote(word)}`, { offset: text.indexOf(word), ...(near === null ? {} : { suggestion: `CAP_${near}` }) });
  });
}

/** What `podman run --ulimit` knows: setrlimit(2) without RLIMIT_. */
const ulimitNames = 'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');
const ULIMIT_MAX = 2n ** 64n - 1n;

/** `Ulimit=NAME=SOFT[:HARD]` */
export function parseUlimit(text: string): { name: string; soft: string; hard: string } {
  const at = text.indexOf('=');
  const name = (at < 0 ? text : text.slice(0, at)).toLowerCase();
  if (name === 'host') throw new NotSupportedError('The limits of whoever starts the site are not its own: name each');
  if (!ulimitNames.includes(name)) {
    const near = suggest(name, ulimitNames);
    throw new UnitValueError(`Expected one of ${ulimitNames.join(', ')}, found ${quote(name)}`, near === null ? {} : { suggestion: `${near}${at < 0 ? '=' : text.slice(at)}` });
  }
  const [soft = '', hard = soft, ...rest] = at < 0 ? [] : text.slice(at + 1).split(':');
  if (rest.length > 0 || !isLimit(soft) || !isLimit(hard)) throw new UnitValueError(`Expected ${name}=SOFT[:HARD] in whole numbers, or -1 for the most there is, found ${quote(text)}`, { offset: at < 0 ? text.length : at + 1 });
  if (hard !== '-1' && (soft === '-1' ? soft !== hard : BigInt(soft) > BigInt(hard))) {
    throw new UnitValueError(`Expected a soft limit not above the hard one, found ${quote(text)}`, { offset: at + 1 });
  }
  return { name, soft, hard };
}

function isLimit(text: string): boolean {
  return text === '-1' || (/^\d{1,20}$/.test(text) && BigInt(text) <= ULIMIT_MAX);
}

/** `SeccompProfile=` */
export function parseSeccompProfile(text: string): 'unconfined' {
  if (text !== 'unconfined') throw new NotSupportedError('Profiles of a site\'s own are not supported yet: without the key it has the distribution\'s', { suggestion: 'unconfined' });
  return text;
}

/** A user or group: a name or a number. */
export function parseAccount(text: string): string {
  if (!/^(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\$?)$/.test(text)) throw new UnitValueError(`Expected a user or group, by name or number, found ${quote(text)}`);
  return text;
}

/** Host names separated by spaces, as a browser sends them: lower case, no port; `*.` and a name for all below it, `*` for all others. */
export function parseHosts(text: string): string[] {
  return text.split(/[ \t\n\r]+/).filter((word) => word !== '').map((word) => {
    const lower = word.toLowerCase().replace(/\.$/, '');
    if (lower === '*' || isHostName(lower.replace(/^\*\./, ''))) return lower;
    const ascii = domainToASCII(lower.replace(/:\d+$/, '').replace(/^https?:\/\//, '').replace(/\/.*$/, ''));
    throw new UnitValueError(`Expected a host name such as blog.example.com, found ${quote(word)}`, { offset: text.indexOf(word), ...(isHostName(ascii) ? { suggestion: ascii } : {}) });
  });
}

export function parseHostName(text: string): string {
  if (!isHostName(text.toLowerCase()) || text.length > 64) throw new UnitValueError(`Expected a host name of at most 64 characters, found ${quote(text)}`);
  return text;
}

export function isHostName(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
}

/** `Port=`: a TCP port, or the absolute path of a UNIX socket. */
export function parseProgramPort(text: string): ProgramPort {
  if (!text.startsWith('/')) return { kind: 'tcp', port: parsePort(text) };
  const path = parseAbsolutePath(text);
  if (Buffer.byteLength(path) > unixPathBytesMax) throw new UnitValueError(`Expected the path of a socket of at most ${unixPathBytesMax} bytes, found ${Buffer.byteLength(path)}`);
  return { kind: 'unix', path };
}

/** `Image=`: a name as podman takes it, or `oci:` and `oci-archive:` with a path. */
export function parseImage(text: string): string {
  const [, transport, path = ''] = /^([a-z-]+):(\/.*)$/.exec(text) ?? [];
  if (transport !== undefined) {
    if (transport !== 'oci' && transport !== 'oci-archive') throw new NotSupportedError(`Expected a name of an image, oci:DIR or oci-archive:FILE, found the transport ${quote(transport)}`);
    return `${transport}:${parseAbsolutePath(path)}`;
  }
  if (/\.(?:image|build)$/.test(text)) throw new NotSupportedError('Units of Quadlet that pull or build images are not read: name the image itself');
  if (!/^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/.test(text) || text.length > 1024) throw new UnitValueError(`Expected a name of an image such as docker.io/library/nginx:1.27, found ${quote(text)}`);
  return text;
}

/** `Entrypoint=`: a program, or a JSON array of strings, as podman's --entrypoint. */
export function parseEntrypoint(text: string): string[] {
  if (!text.startsWith('[')) return [text];
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string' && !item.includes('\0'))) return value as string[];
  } catch {
    // Reported below like an array of other things.
  }
  throw new UnitValueError(`Expected a program or a JSON array of strings, found ${quote(text)}`);
}

/** One of a few words. */
export function oneOf<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    const near = suggest(text, words);
    throw new UnitValueError(`Expected ${words.join(' or ')}, found ${quote(text)}`, near === null ? {} : { suggestion: near });
  };
}

/** `Target=`: an address to connect to. */
export function parseTarget(text: string): ListenAddress {
  const unix = text.startsWith('unix:');
  const address = parseSocketAddress(unix ? text.slice('unix:'.length) : text);
  if (unix && address.kind === 'path') return { family: 'unix', path: address.path, text };
  if (address.kind === 'path') throw new UnitValueError(`Expected unix: before the path, found ${quote(text)}`, { suggestion: `unix:${text}` });
  if (address.kind === 'port' && !unix) return tcpAddress('ipv4', '127.0.0.1', address.port);
  if ((address.kind === 'ipv4' || (address.kind === 'ipv6' && address.zone === null)) && !unix) {
    if (address.address === '0.0.0.0' || address.address === '::') throw new UnitValueError(`Expected an address to connect to, found ${address.address}, which is only for listening`);
    return tcpAddress(address.kind, address.address, address.port);
  }
  throw new UnitValueError(`Expected a port, ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH, found ${quote(text)}`);
}

/** `Unit=`: a service, and none of ours. */
export function parseServiceUnit(text: string): string {
  if (!isUnitName(text, undefined, ['service']) || text.includes('@.')) throw new UnitValueError(`Expected the name of a service such as app.service, found ${quote(text)}`, text.includes('.') || text === '' ? {} : { suggestion: `${text}.service` });
  if (/^wakesock(?:-front)?\.service$/.test(text)) throw new UnitValueError(`Expected a unit that serves the site, found ${text}, which is wakesock's own`);
  return text;
}
