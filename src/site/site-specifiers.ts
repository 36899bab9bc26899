import { nameSpecifiers, type SpecifierContext } from '../unitfile/specifiers.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** What systemd's own manager gives for these, with Quadlet's defaults for root (`man systemd.unit`, Specifiers). */
const systemSpecifiers = { C: '/var/cache', E: '/etc', L: '/var/log', S: '/var/lib', T: '/tmp', V: '/var/tmp', t: '/run', h: '/root', u: 'root', U: '0', g: 'root', G: '0' };

/** Of any value of a site's file. */
export function specifiersOf(unit: UnitName): SpecifierContext {
  return { ...systemSpecifiers, ...nameSpecifiers(unit) };
}
