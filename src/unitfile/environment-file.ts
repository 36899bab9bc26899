/**
 * Reads a file of `EnvironmentFile=` as systemd does (`man systemd.exec`): `NAME=value` lines, `#` and `;` comments, values in quotes, a backslash
 * takes the next character as it is and continues a line.
 *
 * A port of the state machine of systemd's parse_env_file_internal(). Lines that are no assignment, and names that are no name, are left out,
 * as systemd does with a warning.
 *
 * @example
 * parseEnvironmentFile('# a\nNAME="two words"\n') // [['NAME', 'two words']]
 */
export function parseEnvironmentFile(text: string): [name: string, value: string][] {
  const found: [string, string][] = [];
  let state: 'beforeKey' | 'key' | 'beforeValue' | 'value' | 'valueEscape' | 'single' | 'double' | 'doubleEscape' | 'comment' | 'commentEscape' = 'beforeKey';
  let key = '';
  // Pieces joined at the end, and how much of them counts if only whitespace follows.
  let value = '';
  let kept = 0;
  const push = (): void => {
    const name = key.replace(/[ \t\n\r]+$/, '');
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) found.push([name, value.slice(0, kept)]);
    [key, value, kept] = ['', '', 0];
  };
  const keep = (character: string): void => {
    value += character;
    kept = value.length;
  };
  for (const character of text.replace(/^\uFEFF/, '')) {
    const newline = character === '\n' || character === '\r';
    const space = newline || character === ' ' || character === '\t';
    switch (state) {
      case 'beforeKey':
        if (character === '#' || character === ';') state = 'comment';
        else if (!space) [state, key] = ['key', character];
        break;
      case 'key':
        if (newline) [state, key] = ['beforeKey', ''];
        else if (character === '=') state = 'beforeValue';
        else key += character;
        break;
      case 'beforeValue':
        if (newline) {
          state = 'beforeKey';
          push();
        } else if (character === "'") state = 'single';
        else if (character === '"') state = 'double';
        else if (character === '\\') state = 'valueEscape';
        else if (!space) {
          state = 'value';
          keep(character);
        }
        break;
      case 'value':
        if (newline) {
          state = 'beforeKey';
          push();
        } else if (character === '\\') {
          state = 'valueEscape';
          // Spaces before a backslash count, whatever follows it.
          kept = value.length;
        } else if (space) value += character;
        else keep(character);
        break;
      case 'valueEscape':
        state = 'value';
        if (!newline) keep(character);
        break;
      case 'single':
        if (character === "'") state = 'beforeValue';
        else keep(character);
        break;
      case 'double':
        if (character === '"') state = 'beforeValue';
        else if (character === '\\') state = 'doubleEscape';
        else keep(character);
        break;
      case 'doubleEscape':
        state = 'double';
        if ('"\\`$'.includes(character)) keep(character);
        else if (character !== '\n') keep(`\\${character}`);
        break;
      case 'comment':
        if (character === '\\') state = 'commentEscape';
        else if (newline) state = 'beforeKey';
        break;
      default:
        // Since systemd 254 a backslash does not continue a comment.
        state = newline ? 'beforeKey' : 'comment';
    }
  }
  if (!['beforeKey', 'key', 'comment', 'commentEscape'].includes(state)) push();
  return found;
}
