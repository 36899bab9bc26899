/** How a subject does beside another one of the same run. Pure. */
import { differ, medianEstimate, medianRatio, type Estimate, type Samples } from '../../src/bench/statistics.ts';
import type { Result } from '../types.ts';

/** Whom a user would have: everybody is held against it. */
export const reference = 'adopt';

/** The same behind the front door. */
export const throughFront = 'adopt, front door';

/** From fewer there is no 95 % interval of a median, not even from the least to the greatest: 1 - 2 × 0.5^5 is 0.94. */
const witnessesMin = 6;

/** Subjects that are the product. */
export const ours: ReadonlySet<string> = new Set([reference, 'listen-fds', throughFront, 'adopt, host', 'adopt, image', 'adopt, image, UserNS=host']);

export interface Verdict {
  /** p50 of this subject by that of the other. Its interval means something only where there are enough samples. */
  readonly ratio: Estimate;
  readonly enough: boolean;
  /** Null where the intervals of the two medians overlap, or there are too few samples: then the run does not say. */
  readonly word: 'slower' | 'faster' | null;
}

/** Null where one of them has no samples. */
export function verdict(samples: Samples, others: Samples): Verdict | null {
  const ratio = medianRatio(samples, others);
  const [a, b] = [medianEstimate(samples), medianEstimate(others)];
  if (ratio === null || a === null || b === null) return null;
  const enough = Math.min(witnesses(samples), witnesses(others)) >= witnessesMin;
  return { ratio, enough, word: enough && differ(a, b) ? (a.p50 > b.p50 ? 'slower' : 'faster') : null };
}

function witnesses({ values, groups }: Samples): number {
  return groups === null ? values.length : groups.filter((size) => size > 0).length;
}

/** Lines of before there were groups have none. */
export function samplesOf({ samplesMs, groups }: Result): Samples {
  return { values: samplesMs, groups: groups ?? null };
}

/** Beside {@link reference}, of the same scenario, program and parameter; null for that itself, or where there is none. */
export function besideReference(result: Result, all: readonly Result[]): Verdict | null {
  if (result.subject === reference) return null;
  const other = all.find(({ scenario, subject, program, parameter }) =>
    subject === reference && scenario === result.scenario && program === result.program && parameter === result.parameter);
  return other ? verdict(samplesOf(result), samplesOf(other)) : null;
}

/** `1.52 (1.40–1.61) slower`; without a word where there is no verdict, without an interval where there is none. */
export function verdictText(found: Verdict | null): string {
  if (found === null) return '';
  const { ratio: { p50, low, high }, enough, word } = found;
  if (!enough) return p50.toFixed(2);
  return `${p50.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})${word === null ? '' : ` ${word}`}`;
}
