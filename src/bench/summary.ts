/** What is said of many times. */
import { medianEstimate, quantile, type Estimate } from './statistics.ts';

export interface Summary {
  readonly count: number;
  /** With its 95 % interval. */
  readonly p50: Estimate;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Null of nothing. @param groupSize how many in a row share what the machine did just then (statistics.ts) */
export function summarize(values: readonly number[], groupSize = 1): Summary | null {
  const groups = groupSize === 1 ? null : Array.from({ length: Math.ceil(values.length / groupSize) }, (_, index) => Math.min(groupSize, values.length - index * groupSize));
  const p50 = medianEstimate({ values, groups });
  const [p90, p99, max] = [0.9, 0.99, 1].map((share) => quantile(values, share));
  if (p50 === null || p90 == null || p99 == null || max == null) return null;
  return { count: values.length, p50, p90, p99, max };
}
