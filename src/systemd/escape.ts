/** Names of units as paths on the bus. Escaping of unit names is in unitfile. */

/** The D-Bus object path of a unit: every byte that is not a letter or digit (a digit in front too) becomes `_xx`. */
export function unitObjectPath(unit: string): string {
  let label = '';
  for (const [index, byte] of Buffer.from(unit).entries()) {
    const character = String.fromCharCode(byte);
    const kept = index === 0 ? /[A-Za-z]/ : /[A-Za-z0-9]/;
    label += kept.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
  }
  return `/org/freedesktop/systemd1/unit/${label === '' ? '_' : label}`;
}
