/** Programs of Debian packages that a subject needs, and what versions they are. */
import { execFileSync } from 'node:child_process';
import { findProgram } from '../../src/runtime/find-program.ts';
import { Unavailable } from '../types.ts';

/** @throws {@link Unavailable} with the package's name */
export function programOf(debianPackage: string, ...names: readonly string[]): string {
  for (const name of names) {
    try {
      return findProgram(name);
    } catch {
      // The next one, or the error below.
    }
  }
  throw new Unavailable(`${names.join(' or ')} is not there: apt-get install ${debianPackage}`);
}

/** What `COMMAND --version` says first; `unknown` if nothing. */
export function versionOf(command: string, ...args: readonly string[]): string {
  try {
    return /\d+(?:\.[\w~+-]+)*/.exec(execFileSync(command, args.length > 0 ? args : ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))?.[0] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
