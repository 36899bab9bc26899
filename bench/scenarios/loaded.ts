/** A load as part of a result. */
import { failureCount, type Load } from '../../src/bench/load.ts';
import { median, quantile } from '../../src/bench/statistics.ts';
import type { Result } from '../types.ts';

export function joined(loads: readonly Load[]): Load {
  const failures: Record<string, number> = {};
  for (const load of loads) for (const [message, count] of Object.entries(load.failures)) failures[message] = (failures[message] ?? 0) + count;
  return {
    latenciesMs: loads.flatMap(({ latenciesMs }) => latenciesMs), failures,
    lateMsMax: Math.max(0, ...loads.map(({ lateMsMax }) => lateMsMax)), durationMs: loads.reduce((sum, { durationMs }) => sum + durationMs, 0),
  };
}

/** @param loads of one subject, each a group of samples */
export function loadedResult(loads: readonly Load[]): Pick<Result, 'samplesMs' | 'groups' | 'failures' | 'p50Ms' | 'p99Ms' | 'notes'> {
  const load = joined(loads);
  return {
    samplesMs: load.latenciesMs.map(rounded), groups: loads.map(({ latenciesMs }) => latenciesMs.length), failures: failureCount(load),
    p50Ms: median(load.latenciesMs), p99Ms: quantile(load.latenciesMs, 0.99),
    notes: Object.entries(load.failures).map(([message, count]) => `${count} × ${message}`),
  };
}

export function answersPerSecond({ latenciesMs, durationMs }: Load): number {
  return Math.round((latenciesMs.length * 1000) / durationMs);
}

export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
