/** The page of `wakesock bench --html`. */
import { distributions, stacks } from '../bench/charts.ts';
import { page, table, type Section } from '../bench/page.ts';
import type { Summary } from '../bench/summary.ts';
import type { ColdRun, Measured, WarmRun } from './bench-run.ts';
import { formatMs } from './format.ts';

export function benchPage({ site, handoff, url, at, cold, warm }: Measured): string {
  return page({
    title: `wakesock bench ${site}`,
    lead: [`${url}, handoff ${handoff}, ${at}`],
    sections: [...cold ? coldSections(cold) : [], ...warm ? [warmSection(warm)] : []],
  });
}

function coldSections({ samplesMs, summary, stepsMs, failed }: ColdRun): Section[] {
  const measured: Section = {
    title: `Cold: first byte of ${samplesMs.length} wakes`,
    body: distributions([{ name: 'asleep', samplesMs, ours: true }]) + table(percentiles(summary)),
    notes: [...failed.length > 0 ? [`${failed.length} failed: ${[...new Set(failed)].join('; ')}`] : [], 'From connect to the first byte, measured by the client.'],
  };
  if (Object.keys(stepsMs).length === 0) return [measured];
  return [measured, { title: 'Steps of a wake', body: stacks([{ name: 'p50 of each', parts: stepsMs }]), notes: ['As the activator says; answer is from the program\'s listen to the first byte.'] }];
}

function warmSection({ ratePerSecond, samplesMs, summary, failures, reasons, lateMsMax }: WarmRun): Section {
  return {
    title: `Warm: ${samplesMs.length} answers at ${ratePerSecond} requests a second`,
    body: distributions([{ name: 'awake', samplesMs, ours: true }]) + table(percentiles(summary)),
    notes: [
      ...failures > 0 ? [`${failures} failed: ${Object.keys(reasons).join('; ')}`] : [],
      `Counted from when each request was due, so that a stall is not hidden. This client sent at most ${formatMs(lateMsMax)} late.`,
    ],
  };
}

function percentiles(summary: Summary | null): { head: string[]; rows: string[][] } {
  if (summary === null) return { head: ['p50'], rows: [['no answer']] };
  const { p50, p90, p99, max } = summary;
  return { head: ['p50', '95 % of it', 'p90', 'p99', 'max'], rows: [[formatMs(p50.p50), `${formatMs(p50.low)} to ${formatMs(p50.high)}`, formatMs(p90), formatMs(p99), formatMs(max)]] };
}
