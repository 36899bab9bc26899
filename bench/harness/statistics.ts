/** Percentiles and what can be said about them. Pure. */
import type { Ratio } from '../types.ts';

/** 2,000 resamples put the ends of a 95 % interval within about 1 % of where more would put them. */
const resamples = 2_000;

/** The value below which `share` of the values lie, interpolated between neighbours (R's type 7); null of none. */
export function quantile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).toSorted();
  return quantileOfSorted(sorted, share);
}

export function median(values: readonly number[]): number | null {
  return quantile(values, 0.5);
}

/** How many times as much the median of `ours` is as that of `floors`, with a percentile bootstrap interval of 95 %. */
export function medianRatio(ours: readonly number[], floors: readonly number[]): Ratio | null {
  const [a, b] = [median(ours), median(floors)];
  if (a === null || b === null) return null;
  const random = generator(1);
  const ratios = new Float64Array(resamples);
  for (let index = 0; index < resamples; index += 1) ratios[index] = medianOfResample(ours, random) / medianOfResample(floors, random);
  const sorted = ratios.toSorted();
  return { p50: a / b, low: quantileOfSorted(sorted, 0.025), high: quantileOfSorted(sorted, 0.975) };
}

function medianOfResample(values: readonly number[], random: () => number): number {
  const resample = Float64Array.from(values, () => values[Math.floor(random() * values.length)] ?? Number.NaN);
  return quantileOfSorted(resample.toSorted(), 0.5);
}

function quantileOfSorted(sorted: Float64Array, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** Mulberry32: the same samples give the same interval, whenever they are looked at. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
