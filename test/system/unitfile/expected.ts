/** What systemd must say of a unit, by our reading of its text: the same merge and the same value readers that others use. */
import {
  expandSpecifiers, mergeUnits, parseBoolean, parseCalendarEvent, formatCalendarEvent, parseCommandLines, parseCpuQuotaUsec, parseCpuSet, parseCpuWeight, parseDeviceBandwidth, parseDeviceIops, parseDeviceLatencyUsec, parseDeviceWeight, parseEnvironment, parseExitStatusSet,
  parseInteger, parseIpPrefixes, parseIpv6, parseMemoryAmount, parseMode, parseProcessLimit, parseSignalNumber, parseSizeBytes, parseSocketAddress, parseTasksAmount, parseTimeSpanUsec, parseUnit,
  parseWeight, UnitValueError, type DeviceAmount, type ResourceAmount, type SocketAddress, type SpecifierContext, type UnitEntry,
} from '../../../src/unitfile/index.ts';

export interface Key {
  readonly section: string;
  readonly key: string;
  /** D-Bus interface, '' for org.freedesktop.systemd1.Unit, and the properties that show the key. */
  readonly interface: string;
  readonly properties: readonly string[];
  /** What the properties hold; `undefined`: this case says nothing. `known` are the values if nothing had been assigned. */
  expect(entries: readonly UnitEntry[], context: SpecifierContext): readonly unknown[] | undefined;
}

const infinity = 2n ** 64n - 1n;
/** Systemd passes over a value that it cannot read, with a line in its log. */
const readable = <T>(entries: readonly UnitEntry[], read: (text: string) => T): T[] => entries.flatMap((entry) => {
  try {
    return [read(entry.value)];
  } catch (error) {
    if (error instanceof UnitValueError) return [];
    throw error;
  }
});

/** The last value that can be read; a key with none has the default, which is not ours to know. */
const scalar = (section: string, key: string, iface: string, properties: string | readonly string[], read: (text: string, context: SpecifierContext) => unknown): Key => ({
  section, key, interface: iface, properties: typeof properties === 'string' ? [properties] : properties,
  expect: (entries, context) => {
    // What the box's own files say, such as %o, is not compared; nor %c, %r and %R, which no manual page has had since 2016.
    if (entries.some((entry) => [...entry.value.matchAll(/%([%a-zA-Z])/g)].some(([, letter]) => 'bmvlABMWowdDcrR'.includes(letter as string)))) return undefined;
    const value = readable(entries, (text) => read(text, context)).at(-1);
    return value === undefined ? undefined : Array.isArray(value) ? value : [value];
  },
});

const amount = (found: ResourceAmount): string | undefined => (found.kind === 'infinity' ? String(infinity) : found.kind === 'amount' ? String(found.amount) : undefined);
const limit = (name: string) => (text: string): string[] => {
  const { soft, hard } = parseProcessLimit(name, text);
  return [hard, soft].map((value) => String(value === 'infinity' ? infinity : value));
};

/** Either all is read or systemd keeps a part of it, which part is not compared. */
const whole = <T>(entries: readonly UnitEntry[], read: (text: string) => T): T[] | undefined => {
  const found = readable(entries, read);
  return found.length === entries.length ? found : undefined;
};

const sorted = (numbers: readonly number[]): number[] => [...new Set(numbers)].toSorted((a, b) => a - b);

/** Pairs of device and value; a limit that is none is not shown. Of limits for one device the later counts, of the others systemd keeps all. */
const device = (key: string, read: (text: string) => DeviceAmount, property = key): Key => ({
  section: 'Service', key, interface: 'Service', properties: [property],
  expect: (entries) => {
    const pairs = readable(entries, read).map(({ path, amount: value }) => [path, String(value)] as const);
    return [(key.endsWith('Max') ? [...new Map(pairs)] : pairs).filter(([, value]) => value !== 'infinity').map((pair) => pair.join(' ')).toSorted()];
  },
});

function listenText(address: SocketAddress): string {
  switch (address.kind) {
    case 'port': return `[::]:${address.port}`;
    case 'ipv4': return `${address.address}:${address.port}`;
    case 'ipv6': return `[${address.address}]:${address.port}${address.zone === null ? '' : `%${address.zone}`}`;
    case 'path': return address.path;
    case 'abstract': return `@${address.name}`;
    default: return `vsock:${address.cid ?? ''}:${address.port}`;
  }
}

export const keys: readonly Key[] = [
  scalar('Unit', 'Description', '', 'Description', (text, context) => expandSpecifiers(text, context)),
  scalar('Unit', 'JobTimeoutSec', '', 'JobTimeoutUSec', (text) => String(parseTimeSpanUsec(text) || infinity)),
  scalar('Unit', 'StartLimitIntervalSec', '', 'StartLimitIntervalUSec', (text) => String(parseTimeSpanUsec(text))),
  scalar('Unit', 'StartLimitBurst', '', 'StartLimitBurst', (text) => Number(parseInteger(text, 0n, 2n ** 32n - 1n))),
  scalar('Unit', 'RefuseManualStart', '', 'RefuseManualStart', parseBoolean),
  scalar('Service', 'TimeoutStartSec', 'Service', 'TimeoutStartUSec', (text) => String(parseTimeSpanUsec(text) || infinity)),
  scalar('Service', 'RestartSec', 'Service', 'RestartUSec', (text) => String(parseTimeSpanUsec(text))),
  scalar('Service', 'RemainAfterExit', 'Service', 'RemainAfterExit', parseBoolean),
  scalar('Service', 'KillSignal', 'Service', 'KillSignal', parseSignalNumber),
  scalar('Service', 'UMask', 'Service', 'UMask', parseMode),
  scalar('Service', 'Nice', 'Service', 'Nice', (text) => Number(parseInteger(text, -20n, 19n))),
  scalar('Service', 'OOMScoreAdjust', 'Service', 'OOMScoreAdjust', (text) => Number(parseInteger(text, -1000n, 1000n))),
  ...['MemoryMin', 'MemoryLow', 'MemorySwapMax'].map((key) => scalar('Service', key, 'Service', key, (text) => amount(parseMemoryAmount(text, 'allowed')))),
  ...['MemoryHigh', 'MemoryMax'].map((key) => scalar('Service', key, 'Service', key, (text) => amount(parseMemoryAmount(text, 'refused')))),
  scalar('Service', 'TasksMax', 'Service', 'TasksMax', (text) => amount(parseTasksAmount(text))),
  scalar('Service', 'CPUQuota', 'Service', 'CPUQuotaPerSecUSec', (text) => String(parseCpuQuotaUsec(text))),
  scalar('Service', 'CPUWeight', 'Service', 'CPUWeight', (text) => String(parseCpuWeight(text))),
  scalar('Service', 'IOWeight', 'Service', 'IOWeight', (text) => String(parseWeight(text))),
  scalar('Service', 'CPUQuotaPeriodSec', 'Service', 'CPUQuotaPeriodUSec', (text) => String(parseTimeSpanUsec(text))),
  {
    section: 'Service', key: 'AllowedCPUs', interface: 'Service', properties: ['AllowedCPUs'],
    expect: (entries) => {
      const found = whole(entries, parseCpuSet)?.flat();
      return found === undefined ? undefined : [sorted(found)];
    },
  },
  device('IODeviceWeight', parseDeviceWeight), device('IOReadBandwidthMax', parseDeviceBandwidth), device('IOWriteIOPSMax', parseDeviceIops),
  device('IODeviceLatencyTargetSec', parseDeviceLatencyUsec, 'IODeviceLatencyTargetUSec'),
  ...['NOFILE', 'CORE', 'CPU', 'NICE', 'RTTIME', 'MEMLOCK', 'NPROC'].map((name) => scalar('Service', `Limit${name}`, 'Service', [`Limit${name}`, `Limit${name}Soft`], limit(name))),
  {
    section: 'Service', key: 'Environment', interface: 'Service', properties: ['Environment'],
    expect: (entries, context) => {
      const found = whole(entries, (text) => parseEnvironment(text, context))?.flat();
      return found === undefined ? undefined : [[...new Map(found).entries()].map(([name, value]) => `${name}=${value}`).toSorted()];
    },
  },
  {
    section: 'Service', key: 'SuccessExitStatus', interface: 'Service', properties: ['SuccessExitStatus'],
    expect: (entries) => {
      const found = whole(entries, parseExitStatusSet);
      if (found === undefined) return undefined;
      return [[sorted(found.flatMap(({ statuses }) => statuses)), sorted(found.flatMap(({ signals }) => signals.map(parseSignalNumber)))]];
    },
  },
  {
    section: 'Service', key: 'IPAddressAllow', interface: 'Service', properties: ['IPAddressAllow'],
    expect: (entries) => {
      const found = whole(entries, parseIpPrefixes)?.flat();
      return found === undefined ? undefined : [[...new Set(found.map(({ family, address, length }) => `${family} ${address}/${length}`))].toSorted()];
    },
  },
  {
    section: 'Service', key: 'ExecStart', interface: 'Service', properties: ['LoadState', 'ExecStartEx'],
    expect: (entries, context) => {
      const found = whole(entries, (text) => parseCommandLines(text, context))?.flat();
      if (found === undefined || found.length === 0) return undefined;
      return ['loaded', found.map(({ path, argv, ignoreFailure, noExpand, fullPrivileges, noSetuid, ambient }) => [path, argv, [
        ...(ignoreFailure ? ['ignore-failure'] : []), ...(fullPrivileges ? ['privileged'] : []), ...(noSetuid ? ['no-setuid'] : []), ...(ambient ? ['ambient'] : []), ...(noExpand ? ['no-env-expand'] : []),
      ]])];
    },
  },
  {
    section: 'Socket', key: 'ListenStream', interface: 'Socket', properties: ['Listen'],
    expect: (entries, context) => {
      const found = readable(entries, (text) => parseSocketAddress(expandSpecifiers(text, context)));
      // `vsock-stream:` is newer than the older of the two targets.
      return found.some((address) => address.kind === 'vsock' && address.type !== null) ? undefined : [found.map((address) => ['Stream', listenText(address)])];
    },
  },
  scalar('Socket', 'SocketMode', 'Socket', 'SocketMode', parseMode),
  scalar('Socket', 'Backlog', 'Socket', 'Backlog', (text) => Number(parseInteger(text, 0n, 2n ** 32n - 1n))),
  scalar('Socket', 'ReceiveBuffer', 'Socket', 'ReceiveBuffer', (text) => String(parseSizeBytes(text))),
  scalar('Socket', 'TriggerLimitIntervalSec', 'Socket', 'TriggerLimitIntervalUSec', (text) => {
    const usec = parseTimeSpanUsec(text);
    // Infinity means the default there.
    return usec === infinity ? undefined : String(usec);
  }),
  {
    section: 'Timer', key: 'OnCalendar', interface: 'Timer', properties: ['TimersCalendar'],
    // Newest first.
    expect: (entries) => [readable(entries, (text) => formatCalendarEvent(parseCalendarEvent(text))).toReversed()],
  },
  scalar('Timer', 'AccuracySec', 'Timer', 'AccuracyUSec', (text) => String(parseTimeSpanUsec(text))),
];

/** systemd's values in the form of ours, where that differs. */
export function theirForm(property: string, value: unknown): unknown {
  const rows = value as unknown[][];
  // glibc writes ::1.2.3.4, RFC 5952 does not.
  if (property === 'Listen') return (value as string[][]).map(([type, text]) => [type, (text as string).replace(/^\[([^\]%]*)\]/, (_whole, address: string) => `[${parseIpv6(address)}]`)]);
  if (/^IO.*(?:Weight|Max|USec)$/.test(property) && Array.isArray(value)) return rows.map((pair) => pair.join(' ')).toSorted();
  if (property === 'AllowedCPUs') return (value as number[]).flatMap((byte, i) => Array.from({ length: 8 }, (_unused, bit) => ((byte >> bit) & 1 ? i * 8 + bit : -1)).filter((cpu) => cpu >= 0));
  if (property === 'Environment') return (value as string[]).toSorted();
  if (property === 'ExecStartEx') return rows.map(([path, argv, flags]) => [path, argv, flags]);
  if (property === 'TimersCalendar') return rows.map(([, text]) => text);
  if (property === 'SuccessExitStatus') return rows.map((numbers) => (numbers as number[]).toSorted((a, b) => a - b));
  if (property === 'IPAddressAllow') return rows.map(([family, bytes, length]) => `${family === 2 ? 'ipv4' : 'ipv6'} ${addressOf(bytes as number[])}/${String(length)}`).toSorted();
  return value;
}

function addressOf(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_unused, i) => (((bytes[i * 2] as number) << 8) | (bytes[i * 2 + 1] as number)).toString(16)).join(':');
  return (parseSocketAddress(`[${groups}]:1`) as SocketAddress & { kind: 'ipv6' }).address;
}

export interface Expectation { readonly key: Key; readonly values: readonly unknown[] }

/** Null: the file has an error for which systemd refuses it. */
export function expectations(text: string, context: SpecifierContext): readonly Expectation[] | null {
  const file = parseUnit(text, 'unit');
  if (file.diagnostics.some(({ severity }) => severity === 'error')) return null;
  const unit = mergeUnits([file]);
  // At a command that it cannot read, systemd leaves the file as it is then, without what follows: nothing to compare.
  const commands = file.entries.filter((entry) => entry.section === 'Service' && entry.key === 'ExecStart' && entry.value !== '');
  if (readable(commands, (command) => parseCommandLines(command, context)).length < commands.length) return [];
  return keys.flatMap((key) => {
    const entries = unit.all(key.section, key.key);
    const values = entries.length === 0 ? undefined : key.expect(entries, context);
    return values === undefined || values.includes(undefined) ? [] : [{ key, values }];
  });
}
