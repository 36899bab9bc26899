/** Where the lines of a site go: the journal, or standard error where there is none. */
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { openJournal } from '../runtime/journal.ts';
import type { LineSink } from '../runtime/output.ts';

export function siteOutput(embedded: boolean, log: Log): (site: string, pid: () => number | null) => LineSink {
  if (embedded) return (site) => (stream, line) => void process.stderr.write(`${site} ${stream}: ${line}\n`);
  let complained = false;
  const journal = openJournal((error) => {
    if (!complained) log.warn('The journal does not take the output of sites', describeError(error));
    complained = true;
  });
  return (site, pid) => journal.sinkFor(site, pid);
}
