import { controlClient } from '../control/client.ts';
import { eachSite } from './each-site.ts';
import { pathOptionRows, pathOptions, pathsOf } from './paths.ts';
import { stateLabel } from './status-table.ts';
import { terminalOf } from './terminal.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'sleep',
  summary: 'Stops sites that are awake; the next client wakes them again.',
  usage: 'wakesock sleep [OPTION…] SITE…',
  options: [
    ['--force', 'Also where the site is in use: its connections and leases end.'],
    ['--json', 'Print {"sites":[…]}: each as in `wakesock status --json`, or {"name","error"}.'],
    ...pathOptionRows,
  ],
  details: `
A site in use is left alone (ERR_WAKESOCK_BUSY, exit code 1) unless --force is given: one with a lease, with a client that waits or
what a client sent unread, or with a connection on which anything came or went within the last second. Silent connections end.
On UNIX sockets, where the kernel keeps no times, every connection counts.
Clients that arrive while a site stops are not refused: they wait in its socket's backlog and wake it again.`,
  parse: { ...pathOptions, json: { type: 'boolean' }, force: { type: 'boolean' } },
  async run(context, values, positionals) {
    const client = controlClient(pathsOf(values, context.paths).controlPath);
    const terminal = terminalOf(context);
    return eachSite({
      names: positionals, json: values['json'] === true, context,
      call: (name) => client.sleep(name, { force: values['force'] === true }),
      line: ({ name, state }, nameWidth) => `${name.padEnd(nameWidth)}  ${stateLabel(state, terminal)}`,
    });
  },
};
