/** First bytes of several subjects, interleaved, so that what else the machine does falls on all alike. */
import { independent, median, medianRatio, quantile } from '../../src/bench/statistics.ts';
import type { Bench, Result, RunOptions, Subject } from '../types.ts';
import { type Contestant as Started, forEachProgram, inTurn } from './contestants.ts';

interface Contestant extends Started {
  readonly samplesMs: number[];
  readonly phases: Map<string, number[]>;
  readonly failed: string[];
}

export function compareSteps({ programs: names, samples, warmup }: RunOptions): number {
  return names.length * (samples + warmup);
}

/** `subjects` are compared with the one named `floor`. */
export async function compare(scenario: string, subjects: readonly Subject[], bench: Bench): Promise<void> {
  await forEachProgram(scenario, subjects, bench, async (program, started) => {
    const contestants = started.map((each): Contestant => ({ ...each, samplesMs: [], phases: new Map(), failed: [] }));
    await takeSamples(`${scenario} ${program.name}`, contestants, bench);
    report(scenario, contestants, bench);
  });
}

async function takeSamples(what: string, contestants: readonly Contestant[], bench: Bench): Promise<void> {
  const { samples, warmup } = bench.options;
  const over = new Set<Contestant>();
  for (let round = 0; round < warmup + samples; round += 1) {
    for (const contestant of inTurn(contestants, round)) {
      if (!over.has(contestant) && !await takeSample(contestant, round >= warmup, bench)) over.add(contestant);
    }
    bench.step(what);
  }
}

/** @returns false: it could not be put to sleep, and has no samples any more. The others go on. */
async function takeSample({ running, samplesMs, phases, failed }: Contestant, counts: boolean, bench: Bench): Promise<boolean> {
  let firstByteMs: number | null = null;
  try {
    firstByteMs = await bench.client.firstByteMs(running);
  } catch (error) {
    if (counts) failed.push((error as Error).message);
  }
  let wake: Awaited<ReturnType<typeof running.sleep>>;
  try {
    wake = await running.sleep();
  } catch (error) {
    failed.push(`cannot be put to sleep, and is out from here on: ${(error as Error).message}`);
    return false;
  }
  if (!counts || firstByteMs === null) return true;
  samplesMs.push(Math.round(firstByteMs * 1000) / 1000);
  // What the wake's own clock does not see: before it starts (in `zero` the activator's start), and from `listen` to the client.
  const rest = typeof wake['listen'] === 'number' ? { rest: firstByteMs - wake['listen'] } : {};
  for (const [name, ms] of Object.entries({ ...wake, ...rest })) {
    if (ms !== null) phases.set(name, [...phases.get(name) ?? [], ms]);
  }
  return true;
}

function report(scenario: string, contestants: readonly Contestant[], bench: Bench): void {
  const floors = contestants.find(({ subject }) => subject.name === 'floor')?.samplesMs ?? [];
  for (const { subject, program, running, versions, samplesMs, phases, failed } of contestants) {
    bench.report({
      scenario, subject: subject.name, program, versions, samplesMs, failures: failed.length,
      p50Ms: median(samplesMs), p99Ms: quantile(samplesMs, 0.99),
      // Another program's floor is not its.
      floorRatio: subject.name === 'floor' || subject.own ? null : medianRatio(independent(samplesMs), independent(floors)),
      phasesMs: phases.size === 0 ? null : medians(phases),
      notes: [...new Set([...running.note === undefined ? [] : [running.note], ...failed.map((message) => `${subject.name}: ${message}`)])],
    } satisfies Partial<Result>);
  }
}

function medians(phases: ReadonlyMap<string, readonly number[]>): Record<string, number> {
  return Object.fromEntries([...phases].flatMap(([name, values]) => {
    const value = median(values);
    return value === null ? [] : [[name, Math.round(value * 100) / 100]];
  }));
}
