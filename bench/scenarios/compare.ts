/** First bytes of several subjects, interleaved, so that what else the machine does falls on all alike. */
import { median, medianRatio, quantile } from '../harness/statistics.ts';
import { type Bench, type Program, type Result, type Running, type RunOptions, type Subject, Unavailable } from '../types.ts';
import { programs } from '../programs/index.ts';

interface Contestant {
  readonly subject: Subject;
  readonly running: Running;
  readonly samplesMs: number[];
  readonly phases: Map<string, number[]>;
  readonly failed: string[];
}

export function compareSteps({ programs: names, samples, warmup }: RunOptions): number {
  return names.length * (samples + warmup);
}

/** `subjects` are compared with the one named `floor`. */
export async function compare(scenario: string, subjects: readonly Subject[], bench: Bench): Promise<void> {
  for (const program of programs.filter(({ name }) => bench.options.programs.includes(name))) {
    const contestants: Contestant[] = [];
    try {
      for (const subject of subjects) {
        const running = await startOrSay(scenario, subject, program, bench);
        if (running) contestants.push({ subject, running, samplesMs: [], phases: new Map(), failed: [] });
      }
      await takeSamples(`${scenario} ${program.name}`, contestants, bench);
    } finally {
      for (const { running } of contestants) await running.stop();
    }
    report(scenario, program, contestants, bench);
  }
}

async function startOrSay(scenario: string, subject: Subject, program: Program, bench: Bench): Promise<Running | null> {
  try {
    return await subject.start(program, bench);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    bench.report({ scenario, subject: subject.name, program: program.name, skipped: error.message });
    return null;
  }
}

async function takeSamples(what: string, contestants: readonly Contestant[], bench: Bench): Promise<void> {
  const { samples, warmup } = bench.options;
  for (let round = -warmup; round < samples; round += 1) {
    // Each round begins with another one: nobody always follows the same neighbour, whose clearing away may still go on.
    const first = (round + warmup) % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) await takeSample(contestant, round >= 0, bench);
    bench.step(what);
  }
}

async function takeSample({ running, samplesMs, phases, failed }: Contestant, counts: boolean, bench: Bench): Promise<void> {
  let firstByteMs: number | null = null;
  try {
    firstByteMs = await bench.client.firstByteMs(running.port);
  } catch (error) {
    failed.push((error as Error).message);
  }
  const wake = await running.sleep();
  if (!counts || firstByteMs === null) return;
  samplesMs.push(Math.round(firstByteMs * 1000) / 1000);
  // What the wake's own clock does not see: before it starts (in `zero` the activator's start), and from `listen` to the client.
  const rest = typeof wake['listen'] === 'number' ? { rest: firstByteMs - wake['listen'] } : {};
  for (const [name, ms] of Object.entries({ ...wake, ...rest })) {
    if (ms !== null) phases.set(name, [...phases.get(name) ?? [], ms]);
  }
}

function report(scenario: string, program: Program, contestants: readonly Contestant[], bench: Bench): void {
  const floors = contestants.find(({ subject }) => subject.name === 'floor')?.samplesMs ?? [];
  for (const { subject, samplesMs, phases, failed } of contestants) {
    bench.report({
      scenario, subject: subject.name, program: program.name, samplesMs, failures: failed.length,
      p50Ms: median(samplesMs), p99Ms: quantile(samplesMs, 0.99),
      floorRatio: subject.name === 'floor' ? null : medianRatio(samplesMs, floors),
      phasesMs: phases.size === 0 ? null : medians(phases),
      notes: [...new Set(failed)],
    } satisfies Partial<Result>);
  }
}

function medians(phases: ReadonlyMap<string, readonly number[]>): Record<string, number> {
  return Object.fromEntries([...phases].flatMap(([name, values]) => {
    const value = median(values);
    return value === null ? [] : [[name, Math.round(value * 100) / 100]];
  }));
}
