import { WakesockError } from '../base/errors.ts';
import type { StatusReport } from '../control/types.ts';
import { pathOptionRows, pathOptions } from './paths.ts';
import { statusDetail } from './status-detail.ts';
import { statusReport } from './status-report.ts';
import { statusTable } from './status-table.ts';
import { didYouMean } from './did-you-mean.ts';
import { printable, terminalOf } from './terminal.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'status',
  summary: 'Shows sites: state, addresses, last wake, memory, errors. Never wakes anything.',
  usage: 'wakesock status [OPTION…] [SITE…]',
  options: [
    ['--json', 'Print {"activator":{"state","pid"},"sites":[…]}; what is not known is null. docs/control-api.md has the fields.'],
    ...pathOptionRows,
  ],
  details: `
With one SITE, everything that is known of it; else a table with as many columns as fit. Colours and symbols only on a
terminal (NO_COLOR is respected); elsewhere plain columns of full width.

Where the activator runs it is asked through its control socket. Where it does not run, it is not started: the state
directory, the site files and the sites' cgroups are read instead.`,
  parse: { ...pathOptions, json: { type: 'boolean' } },
  async run(context, values, names) {
    const { report, problem } = await statusReport(values, context.paths);
    const shown = { ...report, sites: only(names, report.sites) };
    const terminal = terminalOf(context);
    const now = new Date();
    const [single] = shown.sites;
    if (values['json'] === true) context.stdout.write(`${JSON.stringify(shown)}\n`);
    else if (new Set(names).size === 1 && single !== undefined) context.stdout.write(statusDetail(single, terminal, now));
    else context.stdout.write(statusTable(shown, terminal, now));
    if (problem === null) return 0;
    context.stderr.write(`wakesock: ${printable(problem.message)} (${problem.code})\n`);
    return 1;
  },
};

function only(names: readonly string[], sites: StatusReport['sites']): StatusReport['sites'] {
  if (names.length === 0) return sites;
  const byName = new Map(sites.map((site) => [site.name, site]));
  return [...new Set(names)].map((name) => {
    const site = byName.get(name);
    if (site !== undefined) return site;
    throw new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', `No site is called ${name}${didYouMean(name, [...byName.keys()])}`);
  });
}
