/** The properties of transient units as StartTransientUnit wants them, `a(sv)`: org.freedesktop.systemd1(5), systemd.scope(5). */
import { Variant } from 'dbus-next';
import { WakesockError } from '../base/errors.ts';
import type { NetworkService, ScopeProperty } from '../base/site.ts';

export interface ScopeStart {
  readonly name: string;
  readonly description: string;
  readonly slice: string;
  /** Processes to begin with; what they start is in the scope, too. */
  readonly pids: readonly number[];
  readonly properties: readonly ScopeProperty[];
  /** From SIGTERM to SIGKILL, when systemd stops the scope. */
  readonly stopTimeoutMs: number;
  /** Started with the scope, and stopped when that is gone, whoever else has died. */
  readonly network?: { readonly name: string; readonly service: NetworkService } | null;
}

/** @param knowsOomPolicy systemd refuses a scope with a property that it does not know: 253 does, and 252 as Debian has it */
export function scopeProperties(scope: ScopeStart, knowsOomPolicy: boolean): [string, Variant][] {
  return [
    ['PIDs', new Variant('au', [...scope.pids])],
    toVariant({ name: 'Description', signature: 's', value: scope.description }),
    toVariant({ name: 'Slice', signature: 's', value: scope.slice }),
    // A failed scope would keep its name, and its memory in PID 1.
    toVariant({ name: 'CollectMode', signature: 's', value: 'inactive-or-failed' }),
    toVariant({ name: 'TimeoutStopUSec', signature: 't', value: String(Math.round(scope.stopTimeoutMs * 1000)) }),
    // As podman's services have it (Delegate=): a program whose worker the kernel killed makes a new one. By default
    // (DefaultOOMPolicy=stop) systemd would end the whole site, past every client that we would hold.
    ...knowsOomPolicy ? [toVariant({ name: 'OOMPolicy', signature: 's', value: 'continue' })] : [],
    // crun makes device nodes of its own and looks at no others: one that somebody put into a root would be the machine's device. What is
    // left are null, zero, full, random, urandom, tty and terminals of one's own, and what DeviceAllow names.
    toVariant({ name: 'DevicePolicy', signature: 's', value: 'closed' }),
    ...scope.network ? [['Wants', new Variant('as', [scope.network.name])] as [string, Variant]] : [],
    ...scope.properties.map(toVariant),
  ];
}

/** What it makes it makes for a container: in time for it, or not at all. */
const networkStartUsec = '60000000';
const networkStopUsec = '10000000';

/** Variables in arguments are systemd's to replace, systemd.service(5), Command lines: here none is. */
const command = (argv: readonly string[]): Variant => new Variant('a(sasb)', [[argv[0] ?? '', argv.map((word) => word.replaceAll('$', '$$$$')), false]]);

/** The service beside a scope. */
export function networkServiceProperties({ name: scope, description, slice, network }: ScopeStart): [string, Variant][] {
  if (!network) return [];
  const { type, start, stop, capabilities } = network.service;
  return [
    ['Description', new Variant('s', `Network of ${description}`)],
    ['Slice', new Variant('s', slice)],
    ['CollectMode', new Variant('s', 'inactive-or-failed')],
    ['BindsTo', new Variant('as', [scope])],
    ['After', new Variant('as', [scope])],
    ['Type', new Variant('s', type)],
    ['ExecStart', command(start)],
    ['Restart', new Variant('s', type === 'exec' ? 'on-failure' : 'no')],
    ...stop === null ? [] : [['ExecStopPost', command(stop)] as [string, Variant]],
    ['TimeoutStartUSec', new Variant('t', BigInt(networkStartUsec))],
    ['TimeoutStopUSec', new Variant('t', BigInt(networkStopUsec))],
    ...capabilities === null ? [] : [['CapabilityBoundingSet', new Variant('t', BigInt(capabilities))] as [string, Variant]],
    ['NoNewPrivileges', new Variant('b', true)],
    // The first process takes down what it made.
    ['KillMode', new Variant('s', 'mixed')],
    // passt of Debian 12 takes a signal that was ignored before for an error.
    ['IgnoreSIGPIPE', new Variant('b', false)],
  ];
}


/** A service that does nothing but want others and wait for them. */
export function startHelperProperties(wanted: readonly string[]): [string, Variant][] {
  return [
    ['Description', new Variant('s', 'Wakesock starts sockets')],
    ['Type', new Variant('s', 'oneshot')],
    ['ExecStart', new Variant('a(sasb)', [['/bin/true', ['/bin/true'], false]])],
    ['Wants', new Variant('as', [...wanted])],
    ['After', new Variant('as', [...wanted])],
    ['CollectMode', new Variant('s', 'inactive-or-failed')],
  ];
}

/** Checked here, since a value that cannot be written would end the connection with all that waits on it. */
export function toVariant(property: ScopeProperty): [string, Variant] {
  const { name, signature, value } = property;
  const unfit = (): never => {
    throw new WakesockError('ERR_WAKESOCK_SCOPE',
      `Expected a value of D-Bus type ${signature} for the scope property ${name}, got ${JSON.stringify(value)}`);
  };
  switch (signature) {
    case 's':
      return [name, new Variant('s', typeof value === 'string' ? value : unfit())];
    case 'b':
      return [name, new Variant('b', typeof value === 'boolean' ? value : unfit())];
    case 't':
    case 'x':
      return [name, new Variant(signature, readInteger64(signature, value) ?? unfit())];
    case 'ay':
      if (!Array.isArray(value) || !value.every((byte) => Number.isInteger(byte) && inRange('y', Number(byte)))) unfit();
      return [name, new Variant('ay', Buffer.from(value as readonly number[]))];
    case 'a(ss)': {
      if (!Array.isArray(value)) unfit();
      const texts = (value as readonly unknown[]).map((pair): [string, string] => {
        const [first, second] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
        return typeof first === 'string' && typeof second === 'string' ? [first, second] : unfit();
      });
      return [name, new Variant('a(ss)', texts)];
    }
    case 'a(st)': {
      if (!Array.isArray(value)) unfit();
      const pairs = (value as readonly unknown[]).map((pair): [string, bigint] => {
        const [text, number] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
        return [typeof text === 'string' ? text : unfit(), readInteger64('t', number) ?? unfit()];
      });
      return [name, new Variant('a(st)', pairs)];
    }
    case 'u':
    case 'i':
    case 'q':
    case 'y':
    case 'n':
      if (typeof value !== 'number' || !Number.isInteger(value) || !inRange(signature, value)) unfit();
      return [name, new Variant(signature, value)];
    case 'd':
      return [name, new Variant('d', typeof value === 'number' ? value : unfit())];
    default:
      throw new WakesockError('ERR_WAKESOCK_SCOPE', `The scope property ${name} has the D-Bus type ${signature}, which is not one of s, b, t, x, u, i, q, n, y, d, ay, a(st), a(ss)`);
  }
}

/** Undefined: no integer, or none that fits. */
function readInteger64(signature: 't' | 'x', value: unknown): bigint | undefined {
  if ((typeof value !== 'string' && typeof value !== 'number') || !/^-?\d{1,20}$/.test(String(value))) return undefined;
  const number = BigInt(value);
  return number === (signature === 't' ? BigInt.asUintN(64, number) : BigInt.asIntN(64, number)) ? number : undefined;
}

function inRange(signature: 'u' | 'i' | 'q' | 'n' | 'y', value: number): boolean {
  const [min, max] = {
    u: [0, 0xffff_ffff], i: [-0x8000_0000, 0x7fff_ffff], q: [0, 0xffff], n: [-0x8000, 0x7fff], y: [0, 0xff],
  }[signature] as [number, number];
  return value >= min && value <= max;
}
