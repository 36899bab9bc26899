import { readdirSync } from 'node:fs';
import { controlSocketUnitName, leaseSocketUnitName, systemUnitDirs } from '../systemd/unit-names.ts';
import { parseBoolean } from '../unitfile/boolean.ts';
import type { Diagnostic } from '../unitfile/diagnostic.ts';
import { loadUnit } from '../unitfile/load.ts';
import { mergeUnits, type MergedUnit } from '../unitfile/merge.ts';
import { expandSpecifiers, nameSpecifiers } from '../unitfile/specifiers.ts';
import { parseSocketAddress } from '../unitfile/socket-address.ts';
import { suggest } from '../unitfile/suggest.ts';
import type { Place } from '../unitfile/unit-file.ts';
import { splitUnitName, type UnitName } from '../unitfile/unit-name.ts';

/** Ours, whose sockets are no site's. */
const ownUnits: ReadonlySet<string> = new Set([controlSocketUnitName, leaseSocketUnitName]);
const serviceUnit = 'wakesock.service';
const otherListens = ['ListenDatagram', 'ListenSequentialPacket', 'ListenFIFO', 'ListenSpecial', 'ListenNetlink', 'ListenMessageQueue', 'ListenUSBFunction'];

export interface SocketUnits {
  readonly diagnostics: Diagnostic[];
  /** Descriptor names and how many sockets carry each, of all units of wakesock.service. */
  readonly descriptors: ReadonlyMap<string, number>;
}

/** Looks at all socket units that start wakesock.service; those of other services are none of our business.
 * @param sites by name: the ports and paths that its `ListenStream=` declares; null where it declares none or cannot be read
 */
export function checkSocketUnits(sites: ReadonlyMap<string, ReadonlySet<string> | null>, dirs: readonly string[] = systemUnitDirs): SocketUnits {
  const diagnostics: Diagnostic[] = [];
  const descriptors = new Map<string, number>();
  const names = new Set(dirs.flatMap(entriesOf).filter((name) => name.endsWith('.socket') && !name.endsWith('@.socket')));
  for (const name of [...names].toSorted()) {
    const loaded = loadUnit(name, dirs);
    const unit = mergeUnits(loaded.files);
    if (unit.last('Socket', 'Service')?.value !== serviceUnit || ownUnits.has(name)) continue;
    const count = unit.all('Socket', 'ListenStream').length;
    const descriptor = checkUnit(name, unit, sites, diagnostics);
    descriptors.set(descriptor, (descriptors.get(descriptor) ?? 0) + count);
  }
  return { diagnostics, descriptors };
}

/** @returns the descriptor name of the unit */
function checkUnit(name: string, unit: MergedUnit, sites: ReadonlyMap<string, ReadonlySet<string> | null>, diagnostics: Diagnostic[]): string {
  const file = unit.files[0]?.file ?? name;
  const report = (code: string, place: Place | null, message: string, suggestion: string | null = null): void => {
    const at = place ?? { file, line: 0, column: 0, text: '' };
    diagnostics.push({ severity: 'error', code, file: at.file, line: at.line, column: at.column, text: at.text, message, suggestion });
  };
  const accept = unit.last('Socket', 'Accept');
  if (accept !== null && isTrue(accept.value)) {
    report('ERR_WAKESOCK_SOCKET', accept.place(), 'Accept=: Expected no, since the site itself accepts; systemd would start one wakesock for each connection', 'Accept=no');
  }
  for (const key of otherListens) {
    for (const entry of unit.all('Socket', key)) report('ERR_WAKESOCK_SOCKET', entry, `${key}=: Expected ListenStream=, since only a stream socket can be a site's`);
  }
  const named = unit.last('Socket', 'FileDescriptorName');
  let descriptor = name.slice(0, -'.socket'.length);
  try {
    if (named !== null) descriptor = expandSpecifiers(named.value, nameSpecifiers(splitUnitName(name) as UnitName));
  } catch {
    descriptor = named?.value ?? descriptor;
  }
  if (!sites.has(descriptor)) {
    const near = suggest(descriptor, sites.keys());
    report('ERR_WAKESOCK_NO_SITE', named?.place() ?? null, `${named === null ? `Expected FileDescriptorName= with the name of a site (by default it is the unit's, ${JSON.stringify(descriptor)})`
      : `FileDescriptorName=: Expected the name of a site, found ${JSON.stringify(descriptor)}`}`, near === null ? null : `FileDescriptorName=${near}`);
  }
  const declared = sites.get(descriptor) ?? null;
  for (const entry of declared === null ? [] : unit.all('Socket', 'ListenStream')) {
    const port = portOf(entry.value);
    if (port !== null && declared?.has(port) === false) {
      report('undeclared-address', entry.place(), `ListenStream=: Expected a port or path that site ${descriptor} declares (${[...declared].join(', ')}), found ${JSON.stringify(entry.value)}`,
        'ListenStream= of the site file, and wakesock enable');
    }
  }
  return descriptor;
}

/** What tells sockets of one site apart: the port, or the path. Null for what is reported elsewhere. */
function portOf(text: string): string | null {
  try {
    const address = parseSocketAddress(text);
    return 'port' in address ? String(address.port) : address.kind === 'path' ? address.path : null;
  } catch {
    return null;
  }
}

function isTrue(text: string): boolean {
  try {
    return parseBoolean(text);
  } catch {
    return false;
  }
}

function entriesOf(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
