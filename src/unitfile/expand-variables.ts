import type { CommandLine } from './command-line.ts';
import { isSeparator } from './words.ts';

/**
 * Replaces variables in the arguments of a command as systemd does when it starts it (`man systemd.service`, Command lines): `${NAME}`
 * anywhere in a word by the value; a word that begins with `$` and is not `$$…` or `${…` is the name of a variable to its end, and
 * becomes as many words as the value has; `$$` is a dollar sign. A variable that is not there is empty. With the `:` prefix nothing
 * is replaced, and `path` never is.
 *
 * @example
 * expandCommand({ argv: ['/bin/echo', '$WORDS', '${WORDS}'], noExpand: false }, { WORDS: 'a b' }) // ['/bin/echo', 'a', 'b', 'a b']
 */
export function expandCommand(command: Pick<CommandLine, 'argv' | 'noExpand'>, environment: Readonly<Record<string, string>>): string[] {
  if (command.noExpand) return [...command.argv];
  const get = (name: string): string => (Object.hasOwn(environment, name) ? environment[name] as string : '');
  return command.argv.flatMap((word) => {
    if (/^\$(?![{$])/.test(word)) return splitValue(get(word.slice(1)));
    // What looks like a variable and is none, by a colon or the end of the word, stays as it is, dollar signs within included.
    return [word.replace(/\$\$|\$\{([^}:]*)(\}|:|$)/g, (whole, name: string | undefined, end: string | undefined) => (whole === '$$' ? '$' : end === '}' ? get(name as string) : whole))];
  });
}

/** Quotes keep words together, a backslash takes the next character as it is; nothing needs to be closed. */
function splitValue(value: string): string[] {
  const words: string[] = [];
  let parts: string[] | null = null;
  let open = '';
  for (let i = 0; i < value.length; i++) {
    const character = value[i] as string;
    if (open === '' && isSeparator(character)) {
      if (parts !== null) words.push(parts.join(''));
      parts = null;
      continue;
    }
    parts ??= [];
    if (character === '\\') {
      i++;
      if (i < value.length) parts.push(value[i] as string);
    } else if (character === open) open = '';
    else if (open === '' && (character === '"' || character === "'")) open = character;
    else parts.push(character);
  }
  if (parts !== null) words.push(parts.join(''));
  return words;
}
