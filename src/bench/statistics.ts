/** Percentiles and what can be said about them. Pure. */

/** With the ends of the percentile bootstrap interval of 95 %. */
export interface Estimate {
  readonly p50: number;
  readonly low: number;
  readonly high: number;
}

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
export function medianRatio(ours: readonly number[], floors: readonly number[]): Estimate | null {
  const [a, b] = [median(ours), median(floors)];
  if (a === null || b === null) return null;
  return { p50: a / b, ...interval((random) => medianOfResample(ours, random) / medianOfResample(floors, random)) };
}

/** The median and how far it can be trusted; null of nothing. */
export function medianEstimate(values: readonly number[]): Estimate | null {
  const p50 = median(values);
  return p50 === null ? null : { p50, ...interval((random) => medianOfResample(values, random)) };
}

/** True: a run like these would hardly have put them the other way round. Overlapping intervals say nothing. */
export function differ(a: Pick<Estimate, 'low' | 'high'>, b: Pick<Estimate, 'low' | 'high'>): boolean {
  return a.high < b.low || b.high < a.low;
}

function interval(draw: (random: () => number) => number): Pick<Estimate, 'low' | 'high'> {
  const random = generator(1);
  const sorted = Float64Array.from({ length: resamples }, () => draw(random)).toSorted();
  return { low: quantileOfSorted(sorted, 0.025), high: quantileOfSorted(sorted, 0.975) };
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
