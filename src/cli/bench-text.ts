/** What `wakesock bench` prints for people: fits 60 columns. */
import { histogram, type Bin } from '../bench/histogram.ts';
import type { Summary } from '../bench/summary.ts';
import type { ColdRun, Measured, WarmRun } from './bench-run.ts';
import { formatMs } from './format.ts';
import { printable, terminalOf, type Terminal } from './terminal.ts';
import type { VerbContext } from './verb.ts';

/** Longer bars tell no more. */
const barMax = 40;
/** Beside a bar: indentation, label, count. */
const besideBar = 24;

export function benchText({ site, url, handoff, cold, warm }: Measured, context: VerbContext): string {
  const terminal = terminalOf(context);
  const lines = [`${terminal.paint('bold', site)}  ${handoff}  ${printable(url)}`];
  if (cold) lines.push('', ...coldLines(cold, terminal));
  if (warm) lines.push('', ...warmLines(warm, terminal));
  return `${lines.join('\n')}\n`;
}

function coldLines({ samplesMs, summary, stepsMs, failed }: ColdRun, terminal: Terminal): string[] {
  const steps = Object.entries(stepsMs);
  const longest = Math.max(...steps.map(([, ms]) => ms));
  return [
    terminal.paint('bold', `Cold: first byte of ${samplesMs.length} wakes`),
    ...summaryLines(summary),
    ...failureLines(counted(failed), terminal),
    ...headed('', bars(samplesMs, terminal)),
    ...headed('\n  p50 of each step', steps.map(([name, ms]) => bar(name, formatMs(ms), ms / longest, terminal))),
  ];
}

function warmLines({ ratePerSecond, samplesMs, summary, reasons, lateMsMax }: WarmRun, terminal: Terminal): string[] {
  return [
    terminal.paint('bold', `Warm: ${samplesMs.length} answers at ${ratePerSecond} requests a second`),
    ...summaryLines(summary),
    ...failureLines(reasons, terminal),
    `  sent at most ${formatMs(lateMsMax)} late by this client`,
    ...headed('', bars(samplesMs, terminal)),
  ];
}

/** Nothing where there is nothing below it. */
function headed(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [heading, ...lines];
}

function summaryLines(summary: Summary | null): string[] {
  if (summary === null) return ['  no answer'];
  const { p50, p90, p99, max } = summary;
  return [`  p50 ${formatMs(p50.p50)} (95 %: ${formatMs(p50.low)} to ${formatMs(p50.high)})`, `  p90 ${formatMs(p90)}   p99 ${formatMs(p99)}   max ${formatMs(max)}`];
}

function failureLines(reasons: Readonly<Record<string, number>>, terminal: Terminal): string[] {
  return Object.entries(reasons).map(([reason, count]) => terminal.paint('red', `  ${count} failed: ${printable(reason)}`));
}

function bars(values: readonly number[], terminal: Terminal): string[] {
  const bins = histogram(values);
  const most = Math.max(...bins.map(({ count }) => count));
  const digits = digitsFor(bins[0]);
  return bins.map(({ from, to, count }) => bar(`${from.toFixed(digits)}${to === Infinity ? ' ms +' : ' ms'}`, String(count), count / most, terminal, true));
}

/** As many as tell one class from the next. */
function digitsFor(bin: Bin | undefined): number {
  return bin === undefined ? 0 : Math.max(0, -Math.floor(Math.log10(bin.to - bin.from) + 1e-9));
}

function bar(label: string, figure: string, share: number, terminal: Terminal, right = false): string {
  const width = Math.min(barMax, Math.max(4, (terminal.width === Infinity ? 80 : terminal.width) - besideBar));
  const full = share > 0 ? Math.max(1, Math.round(share * width)) : 0;
  const name = right ? label.padStart(9) : label.padEnd(9);
  return `  ${name} ${figure.padStart(8)} ${terminal.paint('blue', (terminal.unicode ? '█' : '#').repeat(full))}`.trimEnd();
}

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
