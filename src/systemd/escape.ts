/** Escaping for unit names, as systemd-escape(1) does it (systemd.unit(5), "String Escaping for Inclusion in Unit Names"). */

const plain = /^[A-Za-z0-9:_.]$/;

/** `/` becomes `-`; what is not a letter, digit, `:`, `_` or `.`, and a dot at the start, becomes `\xNN` bytewise. Undone by unitfile's `unescapeUnitName`. */
export function escapeUnitName(text: string): string {
  let escaped = '';
  for (const [index, byte] of Buffer.from(text).entries()) {
    const character = String.fromCharCode(byte);
    if (character === '/') escaped += '-';
    else if (plain.test(character) && !(index === 0 && character === '.')) escaped += character;
    else escaped += hexEscape(byte);
  }
  return escaped;
}

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

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
