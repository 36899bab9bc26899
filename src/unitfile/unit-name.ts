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

/** `blog@.container` of `blog@alice.container`; null for what is not an instance. */
export function templateOf(unit: UnitName): string | null {
  return unit.instance === null || unit.instance === '' ? null : `${unit.prefix}@.${unit.type}`;
}

/**
 * The names whose `.d` directories hold drop-ins of the unit, most specific first: itself, its template, each prefix
 * that ends in a dash, and its type.
 */
export function dropInNames(unit: UnitName): { own: string[]; type: string } {
  const own: string[] = [];
  let prefix: string | null = unit.prefix;
  while (prefix !== null) {
    const instance = unit.instance === null ? '' : `@${unit.instance}`;
    own.push(`${prefix}${instance}.${unit.type}`);
    if (unit.instance !== null && unit.instance !== '') own.push(`${prefix}@.${unit.type}`);
    // `foo-bar-` goes on with `foo-`: the dash at the very end is not looked at again.
    const dash: number = prefix.length < 2 ? -1 : prefix.lastIndexOf('-', prefix.length - 2);
    prefix = dash <= 0 ? null : prefix.slice(0, dash + 1);
  }
  return { own, type: unit.type };
}
