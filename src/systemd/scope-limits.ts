/** Limits of a scope that is there already, org.freedesktop.systemd1(5): SetUnitProperties. */
import { rmSync } from 'node:fs';
import { Variant } from 'dbus-next';
import type { ScopeProperty } from '../base/site.ts';
import type { Manager } from './manager.ts';
import { toVariant } from './transient-properties.ts';

export interface ChangedProperty {
  readonly name: string;
  /** As decimal numbers, `infinity`, or what systemd calls it. `default`: as of a scope of which nothing was said. */
  readonly from: string;
  readonly to: string;
}

/** No unit has this name. Of one that is not there systemd tells what it would be: the defaults of this systemd and its system.conf(5). */
const nobody = 'wakesock-site-.scope';
/** Where systemd keeps what was set of a transient unit, a file for each property, until the unit ends. */
const settingsDir = (scope: string): string => `/run/systemd/transient/${scope}.d`;

/**
 * Makes the scope have `wanted`, and the default of every other one of `known`: all of it, or, where systemd refuses one, nothing.
 * What was set holds until the scope ends.
 * @returns what is another now than before; null where there is no such scope
 * @throws WakesockError ERR_WAKESOCK_SYSTEMD
 */
export async function setScopeLimits(manager: Manager, scope: string, wanted: readonly ScopeProperty[], known: readonly string[]): Promise<ChangedProperty[] | null> {
  if (!await isUp(manager, scope)) return null;
  const [before, defaults] = await Promise.all([manager.getAllProperties(scope, 'Scope'), manager.getAllProperties(nobody, 'Scope')]);
  if (!await manager.setUnitProperties(scope, settings(before, defaults, wanted, known))) return null;
  forgetShares(scope, wanted, known);
  const after = await manager.getAllProperties(scope, 'Scope');
  // Of one that has just ended systemd tells what it would be.
  if (!await isUp(manager, scope)) return null;
  const textOf = (of: Properties, name: string): string => (text(of[name]) === text(defaults[name]) ? 'default' : withUnit(name, text(of[name])));
  return known.filter((name) => text(before[name]) !== text(after[name])).map((name) => ({ name, from: textOf(before, name), to: textOf(after, name) }));
}

type Properties = Readonly<Record<string, Variant>>;

async function isUp(manager: Manager, scope: string): Promise<boolean> {
  const { ActiveState: state } = await manager.getUnitProperties(scope, 'Unit', ['ActiveState']);
  return state === 'active';
}

function settings(before: Properties, defaults: Properties, wanted: readonly ScopeProperty[], known: readonly string[]): [string, Variant][] {
  const said = new Set(wanted.map(({ name }) => name.replace(/Scale$/, '')));
  const unsaid = known.filter((name) => !said.has(name) && text(before[name]) !== text(defaults[name]));
  return [
    ...unsaid.map((name): [string, Variant] => [name, defaults[name] as Variant]),
    ...wanted.flatMap((property) => {
      const set = toVariant(property);
      // A list of devices is added to what is there, but for the empty one.
      return property.signature === 'a(st)' ? [[property.name, new Variant('a(st)', [])] as [string, Variant], set] : [set];
    }),
  ];
}

/** `MemoryMax=50%` is one property on the bus, `MemoryMax=64M` another, each with its file: at the next daemon-reload the share would win again. */
function forgetShares(scope: string, wanted: readonly ScopeProperty[], known: readonly string[]): void {
  for (const name of known.map((property) => `${property}Scale`)) {
    if (!wanted.some((property) => property.name === name)) rmSync(`${settingsDir(scope)}/50-${name}.conf`, { force: true });
  }
}

/** Of a property that this systemd does not have: nothing. */
function text(property: Variant | undefined): string {
  if (property === undefined) return '';
  const value: unknown = property.value;
  if (value === 2n ** 64n - 1n) return 'infinity';
  if (Buffer.isBuffer(value)) return bitsText(value);
  if (Array.isArray(value)) return value.map((pair: unknown) => (Array.isArray(pair) ? pair.map(String).join(' ') : String(pair))).toSorted().join(', ') || 'none';
  return String(value);
}

/** CPUQuotaPerSecUSec, CPUQuotaPeriodUSec. */
function withUnit(name: string, value: string): string {
  if (!name.startsWith('CPUQuota') || value === 'infinity') return value;
  return name.endsWith('PerSecUSec') ? `${Number(value) / 10_000}%` : `${value}us`;
}

/** A set of CPUs or memory nodes, lowest bit first. */
function bitsText(bytes: Buffer): string {
  const numbers = [...bytes].flatMap((byte, index) => [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit & 1) === 1).map((bit) => index * 8 + bit));
  return numbers.join(' ') || 'all';
}
