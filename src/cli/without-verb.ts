import { WakesockError } from '../base/errors.ts';
import { overallHelp } from './help.ts';
import { didYouMean } from './did-you-mean.ts';
import type { VerbContext } from './verb.ts';
import { verbs } from './verbs.ts';

/** `wakesock`, `wakesock --help`, `--version`, `help [VERB]` and everything that is no verb. */
export async function withoutVerb(
  name: string | undefined, rest: readonly string[], context: VerbContext,
): Promise<number> {
  switch (name) {
    case undefined:
      throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected a verb: ${Object.keys(verbs).join(', ')}`);
    case '--version':
    case '-V': {
      const { version } = await import('./version.ts');
      context.stdout.write(`${version}\n`);
      return 0;
    }
    case '--help':
    case '-h':
    case 'help': {
      const verb = rest.find((word) => !word.startsWith('-'));
      const { main } = await import('./main.ts');
      if (verb !== undefined && verb !== 'help') return main([verb, '--help'], context);
      context.stdout.write(await overallHelp());
      return 0;
    }
    default: {
      const kind = name.startsWith('-') ? 'option' : 'verb';
      const known = kind === 'option' ? ['--help', '--version'] : Object.keys(verbs);
      throw new WakesockError('ERR_WAKESOCK_USAGE', `Unknown ${kind} ${name}${didYouMean(name, known)}`);
    }
  }
}
