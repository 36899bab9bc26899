import { quote } from './quote.ts';
import { escapeSpecifiers, quoteWord } from './quote-word.ts';
import { expandSpecifiers, type SpecifierContext } from './specifiers.ts';
import { UnitValueError } from './value-error.ts';
import { isSeparator, readWord } from './words.ts';

/** A command of `ExecStart=` and its kin (`man systemd.service`, Command lines). */
export interface CommandLine {
  /** An absolute path, or a name that is looked up in systemd's own search path. Slashes are tidied. */
  readonly path: string;
  /** With `argv[0]`: the path as written, or with `@` the word after it. Variables are not replaced yet: see {@link expandCommand}. */
  readonly argv: readonly string[];
  /** `-`: a failure counts as success. */
  readonly ignoreFailure: boolean;
  /** `:`: `$` has no meaning. */
  readonly noExpand: boolean;
  /** `+`: with full privileges, outside of the sandbox. */
  readonly fullPrivileges: boolean;
  /** `!`: the user is not changed. */
  readonly noSetuid: boolean;
  /** `!!`: as `!`, where the kernel has no ambient capabilities. */
  readonly ambient: boolean;
}

/**
 * Reads a command line: prefixes `@ - : + ! !!`, words with quotes, C escapes and specifiers, commands separated by a lone `;`.
 * Unknown escapes stay as they are, as in systemd.
 *
 * @param specifiers by letter; without it, `%` escapes other than `%%` are refused
 * @throws UnitValueError where systemd refuses the unit, or with `-` passes the line over
 * @example
 * parseCommandLines('-/bin/sh -c "exit 1" ; /bin/true').map(({ argv }) => argv) // [['/bin/sh', '-c', 'exit 1'], ['/bin/true']]
 */
export function parseCommandLines(text: string, specifiers: SpecifierContext = {}): CommandLine[] {
  const commands: CommandLine[] = [];
  for (let i: number | null = 0; i !== null;) i = readCommand(text, i, specifiers, commands);
  return commands;
}

/** @returns where the next command begins, or null after the last */
function readCommand(text: string, from: number, specifiers: SpecifierContext, commands: CommandLine[]): number | null {
  const first = readWord(text, from, 'keep');
  if (first === null) return null;
  if (first.word.text === ';') return first.next;
  const flags = readPrefixes(first.word.text);
  const fail = (message: string, offset = first.word.offset): UnitValueError => new UnitValueError(message, { offset });
  const program = expandSpecifiers(first.word.text.slice(flags.length), specifiers);
  assertProgram(program, fail);
  const argv: string[] = flags.separateArgv0 ? [] : [program];
  let i = first.next;
  let next: number | null = null;
  while (i < text.length) {
    // Both are looked for in the text itself: `";"` and `\x3b` are words.
    if (text[i] === ';' && endsWord(text, i + 1)) {
      next = skip(text, i + 1);
      break;
    }
    if (text.startsWith('\\;', i) && endsWord(text, i + 2)) {
      argv.push(';');
      i = skip(text, i + 2);
      continue;
    }
    const read = readWord(text, i, 'keep');
    if (read === null) break;
    argv.push(expandSpecifiers(read.word.text, specifiers));
    i = read.next;
  }
  if (argv.length === 0) throw fail('Expected a program name after the path of "@", found none');
  const { ignoreFailure, noExpand, fullPrivileges, noSetuid, ambient } = flags;
  commands.push({ path: simplifyPath(program), argv, ignoreFailure, noExpand, fullPrivileges, noSetuid, ambient });
  return next;
}

function readPrefixes(word: string) {
  const flags = { length: 0, separateArgv0: false, ignoreFailure: false, noExpand: false, fullPrivileges: false, noSetuid: false, ambient: false };
  for (;;) {
    const character = word[flags.length];
    if (character === '-' && !flags.ignoreFailure) flags.ignoreFailure = true;
    else if (character === '@' && !flags.separateArgv0) flags.separateArgv0 = true;
    else if (character === ':' && !flags.noExpand) flags.noExpand = true;
    else if (character === '+' && !flags.fullPrivileges && !flags.noSetuid && !flags.ambient) flags.fullPrivileges = true;
    else if (character === '!' && !flags.fullPrivileges && !flags.noSetuid && !flags.ambient) flags.noSetuid = true;
    else if (character === '!' && !flags.fullPrivileges && !flags.ambient) {
      flags.noSetuid = false;
      flags.ambient = true;
    } else return flags;
    flags.length++;
  }
}

function assertProgram(program: string, fail: (message: string) => UnitValueError): void {
  if (program === '') throw fail('Expected the path of a program, found none');
  if (/[\u0001-\u001f\u007f"'\\]/.test(program)) throw fail(`Expected a program's path without quotes, backslashes and control characters, found ${quote(program)}`);
  if (program.endsWith('/')) throw fail(`Expected a program, found the directory ${quote(program)}`);
  const isPath = program.startsWith('/');
  const parts = isPath ? program.split('/') : [program];
  if ((!isPath && (program.includes('/') || program === '.' || program === '..')) || parts.some((part) => part.length > 255) || program.length > 4095) {
    throw fail(`Expected an absolute path or the bare name of a program, found ${quote(program)}`);
  }
}

const endsWord = (text: string, i: number): boolean => i >= text.length || isSeparator(text[i] as string);

function skip(text: string, from: number): number {
  let i = from;
  while (i < text.length && isSeparator(text[i] as string)) i++;
  return i;
}

/** systemd's path_simplify(): no double slashes, no `.` parts, no slash at the end. */
export function simplifyPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return path.startsWith('/') ? `/${parts.join('/')}` : parts.join('/') || '.';
}

/**
 * Writes a command so that systemd reads the same path and arguments again, with nothing replaced in them.
 * @throws UnitValueError for NUL, an empty path, and a path that begins like a prefix
 * @example
 * formatCommandLine(['/bin/echo', '100%', '$HOME', ';']) // '/bin/echo 100%% $$HOME ";"'
 */
export function formatCommandLine(argv: readonly string[]): string {
  const [path = '', ...rest] = argv;
  if (readPrefixes(path).length > 0) throw new UnitValueError(`Expected the path of a program, found ${quote(path)}, whose beginning systemd takes for a prefix`);
  assertProgram(path, (message) => new UnitValueError(message));
  // Quotes and escapes hold no percent and no dollar signs of their own.
  return [escapeSpecifiers(quoteWord(path)), ...rest.map((word) => escapeSpecifiers(quoteWord(word)).replaceAll('$', '$$$$'))].join(' ');
}
