import { writeFileSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { isEmbedded, pathOptionRows, pathOptions, pathsOf } from './paths.ts';
import type { BenchPlan } from './bench-run.ts';
import type { Verb, VerbContext, VerbValues } from './verb.ts';

const coldDefault = 30;
const rateDefault = 20;
/** Each kills and starts a program: more tells nothing that is worth it. */
const coldMax = 10_000;
/** Beyond it the client, not the site, is what is measured. */
const rateMax = 5_000;

export const verb: Verb = {
  name: 'bench',
  summary: 'Measures a site: puts it to sleep and wakes it many times, then asks it at a fixed rate.',
  usage: 'wakesock bench [OPTION…] SITE|URL',
  options: [
    ['--cold=N', `How often it is put to sleep and woken (default ${coldDefault}; 0: not at all).`],
    ['--rate=R', `Requests a second of the warm run, which takes 10 s (default ${rateDefault}; 0: none).`],
    ['--html=FILE', 'Write a page with figures and pictures too.'],
    ['--yes', 'Do not ask. Without a terminal to ask on it must be given, unless --cold=0.'],
    ['--json', 'Print {"site","url","cold","warm"}: every sample, percentiles, failures. docs/bench.md has the fields.'],
    ...pathOptionRows,
  ],
  details: `
The site is stopped for each wake, and whoever is connected to it is cut off: it asks first. SITE is asked for / by its first
listening address and its first host name; a URL (http only) says path, host name and address, and is of the site with that
host name or port. First bytes are measured by this process, from connect to the first byte of the answer; the phases are
the activator's. Latency of the warm run counts from when a request was due. A status from 500 on is a failure; exit
code 1 if there was any.`,
  parse: { ...pathOptions, cold: { type: 'string' }, rate: { type: 'string' }, html: { type: 'string' }, yes: { type: 'boolean' }, json: { type: 'boolean' } },
  async run(context, values, positionals) {
    const [name, ...others] = positionals;
    if (name === undefined || others.length > 0) throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected one site or URL, found ${positionals.length}`);
    const plan = { cold: numberOf(values, 'cold', coldDefault, coldMax), ratePerSecond: numberOf(values, 'rate', rateDefault, rateMax) };
    const [{ findTarget }, { measure }, { benchText }, { controlClient }] = await Promise.all([
      import('./bench-target.ts'), import('./bench-run.ts'), import('./bench-text.ts'), import('../control/client.ts'),
    ]);
    const client = controlClient(pathsOf(values, context.paths).controlPath);
    const target = await findTarget(name, client);
    if (plan.cold > 0 && !await agreed(target.site, plan, values, context)) return 1;
    const measured = await measure(target, plan, client, { systemd: !isEmbedded(values), progress: progressOn(context) });
    if (typeof values['html'] === 'string') {
      const { benchPage } = await import('./bench-page.ts');
      writeFileSync(values['html'], benchPage(measured));
    }
    if (values['json'] === true) context.stdout.write(`${JSON.stringify(measured)}\n`);
    else context.stdout.write(benchText(measured, context));
    return measured.cold?.failed.length || measured.warm?.failures ? 1 : 0;
  },
};

function numberOf(values: VerbValues, option: string, otherwise: number, max: number): number {
  const text = values[option];
  if (typeof text !== 'string') return otherwise;
  if (/^\d{1,6}$/.test(text) && Number(text) <= max) return Number(text);
  throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected --${option} to be a whole number up to ${max}, got ${text}`);
}

async function agreed(site: string, { cold }: BenchPlan, values: VerbValues, { stdin, stderr }: VerbContext): Promise<boolean> {
  if (values['yes'] === true) return true;
  if (stdin?.isTTY !== true) {
    throw new WakesockError('ERR_WAKESOCK_USAGE', `This stops ${site} ${cold} times and cuts off whoever uses it; say --yes if that may be`);
  }
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: stdin, output: stderr });
  // The end of the input is no.
  const ended = new Promise<string>((resolve) => { lines.once('close', () => resolve('')); });
  try {
    return /^y(es)?$/i.test((await Promise.race([lines.question(`This stops ${site} ${cold} times and cuts off whoever uses it. Go on? [y/N] `), ended])).trim());
  } finally {
    lines.close();
  }
}

/** One line that is written over, on a terminal; elsewhere nothing. */
function progressOn({ stderr }: VerbContext): (what: string | null) => void {
  if ((stderr as { isTTY?: boolean }).isTTY !== true) return () => {};
  return (what) => { stderr.write(`\r\u001B[K${what ?? ''}`); };
}
