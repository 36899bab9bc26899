import type { ParseArgsConfig } from 'node:util';
import type { Paths } from '../base/paths.ts';

/** What a verb may touch of the process it runs in. Tests give their own. */
export interface VerbContext {
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  readonly stderr: NodeJS.WritableStream;
  /** Where a verb that must be sure asks. Missing: nobody can be asked. */
  readonly stdin?: NodeJS.ReadableStream & { isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
  readonly paths: Paths;
}

/** Values of the options as `node:util` parsed them, by name. */
export type VerbValues = Record<string, string | boolean | string[] | undefined>;

/**
 * One verb of the command line; each lives in `src/cli/NAME.ts` as `export const verb`.
 *
 * `run` prints its own output and returns the exit code: 0 ok, 1 failed. What it throws is printed for it: a
 * `WakesockError` ends with 1 (`ERR_WAKESOCK_USAGE`: 2), anything else with 70. With `--json` the error also goes to
 * standard output, so a verb throws before it prints its own JSON or not at all.
 */
export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** What follows `Usage: `, e.g. `wakesock wake SITE…`. */
  readonly usage: string;
  /** Rows of [option, text] printed by `--help`. */
  readonly options: readonly (readonly [string, string])[];
  readonly details?: string;
  /** `node:util` parseArgs options; `help` is added for all. */
  readonly parse: ParseArgsConfig['options'];
  run(context: VerbContext, values: VerbValues, positionals: readonly string[]): Promise<number>;
}
