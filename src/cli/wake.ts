import { controlClient } from '../control/client.ts';
import { eachSite } from './each-site.ts';
import { formatMs } from './format.ts';
import { pathOptionRows, pathOptions, pathsOf } from './paths.ts';
import { formatPhases } from './phases.ts';
import { stateLabel } from './status-table.ts';
import { terminalOf } from './terminal.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'wake',
  summary: 'Wakes sites and waits until they serve.',
  usage: 'wakesock wake [OPTION…] SITE…',
  options: [
    ['--json', 'Print {"sites":[…]}: each as in `wakesock status --json`, or {"name","error"}.'],
    ...pathOptionRows,
  ],
  details: `
Sites are woken in parallel. Each is told with the time until it listened and when the steps of its wake were done, in
milliseconds since it was asked for. One whose last start failed is tried at once, while its clients are still turned away.
Exit code 1 if any could not be woken.`,
  parse: { ...pathOptions, json: { type: 'boolean' } },
  async run(context, values, positionals) {
    const client = controlClient(pathsOf(values, context.paths).controlPath);
    const terminal = terminalOf(context);
    const asked = new Date().toISOString();
    return eachSite({
      names: positionals, json: values['json'] === true, context,
      call: (name) => client.wake(name, { by: 'cli' }),
      line: ({ name, state, lastWake }, nameWidth) => {
        const start = `${name.padEnd(nameWidth)}  ${stateLabel(state, terminal)}`;
        if (lastWake === null || lastWake.at < asked) return `${start}  already`;
        return `${start}  ${formatMs(lastWake.phasesMs.total)}  (${formatPhases(lastWake.phasesMs)})`;
      },
    });
  },
};
