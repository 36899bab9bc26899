import { parseArguments } from './arguments.ts';
import type { VerbContext } from './verb.ts';
import { verbs } from './verbs.ts';

/**
 * The command line: arguments (without `node` and the program's path) → exit code.
 * Only what every call needs is imported here; help and error texts are loaded when they are printed.
 */
export async function main(args: readonly string[], context: VerbContext): Promise<number> {
  try {
    return await call(args, context);
  } catch (error) {
    const { report } = await import('./report.ts');
    return report(error, args, context);
  }
}

async function call([name, ...rest]: readonly string[], context: VerbContext): Promise<number> {
  const load = name !== undefined && Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (load === undefined) {
    const { withoutVerb } = await import('./without-verb.ts');
    return withoutVerb(name, rest, context);
  }
  const { verb } = await load();
  const { values, positionals } = parseArguments(rest, verb.parse);
  if (values['help'] === true) {
    const { verbHelp } = await import('./help.ts');
    context.stdout.write(verbHelp(verb));
    return 0;
  }
  return verb.run(context, values, positionals);
}
