import { describeError, WakesockError, type ErrorCode } from '../base/errors.ts';
import type { SiteStatus } from '../control/types.ts';
import { inParallel } from './in-parallel.ts';
import { printable } from './terminal.ts';
import type { VerbContext } from './verb.ts';

/** Calls under way at once. The control socket's backlog is finite, and a full one refuses at once (unix(7), EAGAIN). */
const parallelMax = 64;

export type SiteOutcome = SiteStatus | { readonly name: string; readonly error: { readonly code: ErrorCode; readonly message: string } };

/**
 * One call for each named site, in parallel. Each is told as it ends: a line, or an error line on standard error; with
 * `json` one value at the end, in the order of the command line.
 * @returns the exit code: 1 if any failed
 * @throws WakesockError ERR_WAKESOCK_USAGE no site is named
 */
export async function eachSite(
  { names, json, context, call, line }: {
    readonly names: readonly string[];
    readonly json: boolean;
    readonly context: VerbContext;
    readonly call: (name: string) => Promise<SiteStatus>;
    readonly line: (site: SiteStatus, nameWidth: number) => string;
  },
): Promise<number> {
  const unique = [...new Set(names)];
  if (unique.length === 0) throw new WakesockError('ERR_WAKESOCK_USAGE', 'Expected at least one site');
  const nameWidth = Math.max(...unique.map((name) => name.length));
  const outcomes: SiteOutcome[] = [];
  let failed = false;

  await inParallel(unique.entries(), parallelMax, async ([index, name]) => {
    try {
      const site = await call(name);
      outcomes[index] = site;
      if (!json) context.stdout.write(`${line(site, nameWidth)}\n`);
    } catch (error) {
      if (!(error instanceof WakesockError)) throw error;
      failed = true;
      const described = describeError(error);
      outcomes[index] = { name, error: described };
      context.stderr.write(`wakesock: ${name}: ${printable(described.message)} (${described.code})\n`);
    }
  });
  if (json) context.stdout.write(`${JSON.stringify({ sites: outcomes })}\n`);
  return failed ? 1 : 0;
}
