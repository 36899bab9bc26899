import { describeError, WakesockError } from '../base/errors.ts';
import type { PreparedSite } from '../base/site.ts';
import { siteNamesOf } from './site-names.ts';
import { requireRoot } from './system.ts';
import { printable } from './terminal.ts';
import type { Verb } from './verb.ts';

interface Outcome {
  readonly name: string;
  readonly image: { readonly name: string; readonly id: string } | null;
  readonly warnings: readonly string[];
  readonly error: ReturnType<typeof describeError> | null;
}

export const verb: Verb = {
  name: 'prepare',
  summary: 'Does all that is slow before a site can wake: pulls its image, checks it, renders its bundle.',
  usage: 'wakesock prepare [OPTION…] SITE…',
  options: [
    ['--pull', 'Pull images that are there, too: there may be newer ones.'],
    ['--json', 'Print {"sites":[{"name","image","warnings","error"}]}.'],
  ],
  details: `
\`enable\` does the same and opens the sockets. Call it after an image was built, pulled or tagged anew, or is gone: a site that
is awake keeps what it has until it sleeps, the next wake has the new one. A wake notices by itself that a name stands for another
image; what it does not do is pull, and keep that image from \`podman image prune\`.`,
  parse: { json: { type: 'boolean' }, pull: { type: 'boolean' } },
  async run(context, values, positionals) {
    const names = siteNamesOf(positionals);
    requireRoot('prepare');
    const { sitePreparer } = await import('./prepare-sites.ts');
    const preparer = sitePreparer(context.paths, context.stderr, values['pull'] === true);
    const sites: Outcome[] = [];
    for (const name of names) {
      const outcome = await outcomeOf(name, preparer.prepare(name));
      sites.push(outcome);
      for (const warning of outcome.warnings) context.stderr.write(`wakesock: ${name}: warning: ${printable(warning)}\n`);
      if (outcome.error) context.stderr.write(`wakesock: ${printable(outcome.error.message)} (${outcome.error.code})\n`);
      else if (values['json'] !== true) context.stdout.write(`${name}  is prepared${outcome.image ? ` with ${outcome.image.name}, ${outcome.image.id.slice(0, 12)}` : ''}\n`);
    }
    await preparer.finish();
    if (values['json'] === true) context.stdout.write(`${JSON.stringify({ sites })}\n`);
    return sites.some(({ error }) => error !== null) ? 1 : 0;
  },
};

async function outcomeOf(name: string, preparing: Promise<PreparedSite>): Promise<Outcome> {
  try {
    const { image, warnings } = await preparing;
    return { name, warnings, error: null, image: image ? { name: image.reference ?? image.asked, id: image.id } : null };
  } catch (error) {
    if (!(error instanceof WakesockError)) throw error;
    const { code, message } = describeError(error);
    return { name, image: null, warnings: [], error: { code, message: message.startsWith(name) ? message : `${name}: ${message}` } };
  }
}
