/** The parts of a unit's name (`man systemd.unit`). */
export interface UnitName {
  /** `blog@alice.container` */
  readonly name: string;
  /** `blog` */
  readonly prefix: string;
  /** `alice`; empty for a template, null for a unit that is neither template nor instance. */
  readonly instance: string | null;
  /** `container` */
  readonly type: string;
}

/** Takes a unit's name apart; null if it has no type suffix or no prefix. */
export function splitUnitName(name: string): UnitName | null {
  const dot = name.lastIndexOf('.');
  const at = name.indexOf('@');
  if (dot <= 0 || dot === name.length - 1 || at === 0 || at > dot) return null;
  return {
    name,
    prefix: name.slice(0, at < 0 ? dot : at),
    instance: at < 0 ? null : name.slice(at + 1, dot),
    type: name.slice(dot + 1),
  };
}

/** Types of systemd's units, and of Quadlet's. */
export const unitTypes: readonly string[] = ['service', 'socket', 'target', 'device', 'mount', 'automount', 'swap', 'timer', 'path', 'slice', 'scope'];
export const quadletTypes: readonly string[] = ['container', 'volume', 'network', 'kube', 'pod', 'image', 'build', 'artifact'];

/**
 * Whether systemd takes this for the name of a unit (`man systemd.unit`): at most 255 characters, a known type, letters, digits and `:-_.\\@`.
 * @param kind `plain`: no `@`; `template`: `a@.service`; `instance`: `a@b.service`. Default: any
 * @param types default {@link unitTypes} and {@link quadletTypes}
 */
export function isUnitName(name: string, kind?: 'plain' | 'template' | 'instance', types: readonly string[] = [...unitTypes, ...quadletTypes]): boolean {
  const unit = name.length > 255 ? null : splitUnitName(name);
  if (unit === null || !types.includes(unit.type) || !/^[A-Za-z0-9:_.\\@-]+$/.test(name)) return false;
  return kind === undefined || kind === (unit.instance === null ? 'plain' : unit.instance === '' ? 'template' : 'instance');
}

/** The name of an instance: `blog@alice.service` of `blog@.service` and `alice`. Null for what is no template, or where the name would be none. */
export function instanceName(template: string, instance: string): string | null {
  const unit = splitUnitName(template);
  if (unit === null || unit.instance !== '') return null;
  const name = `${unit.prefix}@${instance}.${unit.type}`;
  return isUnitName(name, 'instance', [unit.type]) ? name : null;
}

/** `blog@.container` of `blog@alice.container`; null for what is not an instance. */
export function templateOf(unit: UnitName): string | null {
  return unit.instance === null || unit.instance === '' ? null : `${unit.prefix}@.${unit.type}`;
}

/**
 * The names whose `.d` directories hold drop-ins of the unit, in the order in which they are looked at: itself, its template, and of both each
 * prefix that ends in a dash, as systemd has it: of `a-b@x` `a-@x` and `a-@`, and of its template `a-` without an instance. Last its type.
 */
export function dropInNames(unit: UnitName): { own: string[]; type: string } {
  const own = new Set<string>();
  collect(unit.prefix, unit.instance);
  return { own: [...own], type: unit.type };

  function collect(prefix: string, instance: string | null): void {
    const name = `${prefix}${instance === null ? '' : `@${instance}`}.${unit.type}`;
    if (own.has(name)) return;
    own.add(name);
    if (instance !== null && instance !== '') collect(prefix, '');
    // `foo-bar-` goes on with `foo-`: the dash at the very end is not looked at again.
    const dash = prefix.length < 2 ? -1 : prefix.lastIndexOf('-', prefix.length - 2);
    if (dash > 0) collect(prefix.slice(0, dash + 1), instance === '' ? null : instance);
  }
}
