import { describeError, WakesockError } from '../base/errors.ts';
import { UnknownOptionError } from './arguments.ts';
import { didYouMean } from './did-you-mean.ts';
import { printable } from './terminal.ts';
import type { VerbContext } from './verb.ts';
import { verbs } from './verbs.ts';

/** Prints what a verb threw and says which exit code it means: 1 failed, 2 wrong usage, 70 our bug. */
export function report(error: unknown, args: readonly string[], context: VerbContext): 1 | 2 | 70 {
  const { code, message } = describeError(error);
  const hint = error instanceof UnknownOptionError ? didYouMean(error.option, error.known) : '';
  if (asksForJson(args)) context.stdout.write(`${JSON.stringify({ error: { code, message: message + hint } })}\n`);
  context.stderr.write(`wakesock: ${printable(message)}${hint} (${code})\n`);
  if (!(error instanceof WakesockError)) {
    const stack = error instanceof Error ? error.stack : undefined;
    context.stderr.write(`${stack ?? String(error)}\nThis is a bug in wakesock; please report it with the lines above.\n`);
    return 70;
  }
  if (code !== 'ERR_WAKESOCK_USAGE') return 1;
  const verb = args[0] !== undefined && Object.hasOwn(verbs, args[0]) ? ` ${args[0]}` : '';
  context.stderr.write(`Try \`wakesock${verb} --help\`.\n`);
  return 2;
}

/** Looked for by eye: the options may be what could not be parsed. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}
