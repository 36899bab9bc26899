import type { SiteStatus, WakeCause } from '../control/types.ts';
import { ageNone, formatAgeSince, formatBytes, formatCount, formatCpu, formatMs } from './format.ts';
import { hintFor } from './hints.ts';
import { formatPhases } from './phases.ts';
import { stateLabel } from './status-table.ts';
import { printable, type Terminal } from './terminal.ts';

/** What `wakesock status SITE` prints: everything that is known of one site. */
export function statusDetail(site: SiteStatus, terminal: Terminal, now: Date): string {
  const age = site.since === null ? null : formatAgeSince(site.since, now);
  const since = age === null ? '' : `${age === ageNone ? '' : ` for ${age}`}, since ${site.since}`;
  const lines = [`${terminal.paint('bold', site.name)}  ${stateLabel(site.state, terminal)}${since}`];
  const row = (title: string, ...values: string[]) => {
    const [first = '-', ...others] = values;
    lines.push(`  ${terminal.paint('dim', title.padEnd(12))}${first}`, ...others.map((value) => ' '.repeat(14) + value));
  };
  row('handoff', site.handoff);
  row('listen', ...site.listen);
  if (site.unit !== null) row('socket unit', site.unit);
  if (site.hosts.length > 0) row('hosts', ...site.hosts);
  row('connections', formatCount(site.connections));
  row('memory', formatBytes(site.memoryBytes));
  row('CPU time', formatCpu(site.cpuUsec));
  if (site.oomKills !== null) row('OOM kills', `${site.oomKills.count}, the last ${site.oomKills.lastAt}`);
  row('wakes', String(site.wakes));
  if (site.lastWake !== null) {
    const { at, by, cause, phasesMs } = site.lastWake;
    row('last wake', `${phasesMs.failed === undefined ? formatMs(phasesMs.total) : 'failed'}, ${at}, by ${printable(by)}`, ...[cause === undefined ? '' : printable(causeOf(cause)), formatPhases(phasesMs)].filter(Boolean));
  }
  for (const warning of site.warnings) row('warning', terminal.paint('yellow', printable(warning)));
  if (site.error !== null) {
    const [first = '', ...others] = printable(site.error.message).trimEnd().split('\n');
    const hint = hintFor(site);
    row('error', terminal.paint('red', first), ...others, ...[site.error.code, hint].filter((line) => line !== null));
  }
  return `${lines.join('\n')}\n`;
}

/** `192.0.2.7 GET blog.example.com/feed.xml, Feedly/1.0` */
function causeOf({ client, method, host, path, agent }: WakeCause): string {
  return `for ${client} ${method} ${host}${path}${agent === '' ? '' : `, ${agent}`}`;
}
