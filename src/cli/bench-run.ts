/** The runs of `wakesock bench`. */
import { ask, httpProblem } from '../bench/ask.ts';
import { failureCount, openLoop } from '../bench/load.ts';
import { median } from '../bench/statistics.ts';
import { summarize, type Summary } from '../bench/summary.ts';
import { WakesockError } from '../base/errors.ts';
import type { ControlClient } from '../control/client.ts';
import type { WakePhases } from '../control/types.ts';
import type { BenchTarget } from './bench-target.ts';

export interface BenchPlan {
  readonly cold: number;
  readonly ratePerSecond: number;
}

export interface Measured {
  readonly site: string;
  readonly handoff: string;
  readonly url: string;
  readonly at: string;
  /** Null: it was not asked for. */
  readonly cold: ColdRun | null;
  readonly warm: WarmRun | null;
}

export interface ColdRun {
  /** From connect to the first byte, in the order in which they were taken. */
  readonly samplesMs: readonly number[];
  readonly summary: Summary | null;
  /** Medians of how long each step took, in their order; `answer` is from `listen` to the first byte. */
  readonly stepsMs: Readonly<Record<string, number>>;
  /** What went wrong, once for each wake without an answer. */
  readonly failed: readonly string[];
}

export interface WarmRun {
  readonly ratePerSecond: number;
  readonly durationMs: number;
  readonly samplesMs: readonly number[];
  readonly summary: Summary | null;
  readonly failures: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** How much later than due this process itself sent a request, at most. */
  readonly lateMsMax: number;
}

const warmMs = 10_000;
/** A site has 30 s to start by default, and answers after that. */
const timeoutMs = 60_000;
/** For a server that does not close when it is asked to. */
const lingerMs = 2_000;
const steps = ['process', 'scope', 'go', 'listen'] as const;

interface Surroundings {
  /** The site's scopes are systemd's. */
  readonly systemd: boolean;
  /** What is being done; null: nothing any more. */
  readonly progress: (what: string | null) => void;
}

export async function measure(target: BenchTarget, { cold, ratePerSecond }: BenchPlan, client: ControlClient, surroundings: Surroundings): Promise<Measured> {
  const { site, handoff, url } = target;
  const at = new Date().toISOString();
  try {
    return {
      site, handoff, url, at,
      cold: cold > 0 ? await runCold(target, cold, client, surroundings) : null,
      warm: ratePerSecond > 0 ? await runWarm(target, ratePerSecond, surroundings) : null,
    };
  } finally {
    surroundings.progress(null);
  }
}

async function runCold(target: BenchTarget, count: number, client: ControlClient, { systemd, progress }: Surroundings): Promise<ColdRun> {
  const samplesMs: number[] = [];
  const failed: string[] = [];
  const tookMs = new Map<string, number[]>();
  const gone = systemd ? await scopeWaiter(target.site) : null;
  try {
    for (let wake = 1; wake <= count; wake += 1) {
      progress(`cold: ${wake} of ${count}`);
      await client.sleep(target.site, { force: true });
      await gone?.wait();
      try {
        const firstByteMs = await askOnce(target);
        samplesMs.push(rounded(firstByteMs));
        const { lastWake } = await client.site(target.site);
        if (lastWake) note(tookMs, lastWake.phasesMs, firstByteMs);
      } catch (error) {
        failed.push((error as Error).message);
        await assertNotFailed(target.site, client);
      }
    }
  } finally {
    gone?.close();
  }
  return { samplesMs, summary: summarize(samplesMs), stepsMs: Object.fromEntries([...tookMs].map(([name, values]) => [name, rounded(median(values) ?? 0)])), failed };
}

async function runWarm(target: BenchTarget, ratePerSecond: number, { progress }: Surroundings): Promise<WarmRun> {
  progress(`warm: ${ratePerSecond} requests a second for ${warmMs / 1000} s`);
  // Awake, whatever it was; what goes wrong with it goes wrong below, too.
  await askOnce(target).catch(() => {});
  const load = await openLoop(() => askOnce(target), { ratePerSecond, durationMs: warmMs });
  return {
    // What the machine does in one second is in all samples of that second.
    ratePerSecond, durationMs: rounded(load.durationMs), samplesMs: load.latenciesMs.map(rounded), summary: summarize(load.latenciesMs, ratePerSecond),
    failures: failureCount(load), reasons: load.failures, lateMsMax: rounded(load.lateMsMax),
  };
}

function askOnce({ address, request }: BenchTarget): Promise<number> {
  return ask({ address, request, problem: httpProblem, timeoutMs, lingerMs });
}

/** A site that cannot start would be tried after longer and longer waits. */
async function assertNotFailed(site: string, client: ControlClient): Promise<void> {
  const { state, error } = await client.site(site);
  if (state !== 'failed') return;
  throw new WakesockError('ERR_WAKESOCK_EXITED', `${site} cannot be measured, it does not start: ${error?.message ?? 'no reason is known'}`);
}

/** An old scope on its way out would be part of the next wake. */
async function scopeWaiter(site: string): Promise<{ wait(): Promise<void>; close(): void }> {
  const [{ createManager }, { scopeName }] = await Promise.all([import('../systemd/manager.ts'), import('../systemd/unit-names.ts')]);
  const manager = createManager();
  return { wait: () => manager.waitUnitGone(scopeName(site)), close: () => manager.close() };
}

/** The activator says when each step was done; how long each took is what can be added up. */
function note(tookMs: Map<string, number[]>, phases: WakePhases, firstByteMs: number): void {
  let before = 0;
  const add = (name: string, untilMs: number): void => {
    tookMs.set(name, [...tookMs.get(name) ?? [], untilMs - before]);
    before = untilMs;
  };
  for (const name of steps) {
    const ms = phases[name];
    if (ms !== null) add(name, ms);
  }
  add('answer', firstByteMs);
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
