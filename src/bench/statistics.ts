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

/**
 * Samples that were taken one after the other under load share what the machine did just then: a stall is in all of them. Such
 * samples are resampled by whole groups, else a few stalls would look like hundreds of independent witnesses.
 */
export interface Samples {
  readonly values: readonly number[];
  /** Sizes of the groups in which the values follow each other; null: each stands for itself. */
  readonly groups: readonly number[] | null;
}

/** How many times as much the median of `ours` is as that of `floors`, with a percentile bootstrap interval of 95 %. */
export function medianRatio(ours: Samples, floors: Samples): Estimate | null {
  const [a, b] = [median(ours.values), median(floors.values)];
  if (a === null || b === null) return null;
  const [drawOurs, drawFloors] = [resampler(ours), resampler(floors)];
  return { p50: a / b, ...interval((random) => drawOurs(random) / drawFloors(random)) };
}

/** The median and how far it can be trusted; null of nothing. */
export function medianEstimate(samples: Samples): Estimate | null {
  const p50 = median(samples.values);
  return p50 === null ? null : { p50, ...interval(resampler(samples)) };
}

export function independent(values: readonly number[]): Samples {
  return { values, groups: null };
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

/** Draws the median of a resample. */
function resampler({ values, groups }: Samples): (random: () => number) => number {
  const all = Float64Array.from(values);
  const ends: number[] = [];
  for (const size of groups ?? []) ends.push((ends.at(-1) ?? 0) + size);
  if (groups === null) return (random) => quantileOfSorted(Float64Array.from(all, () => all[Math.floor(random() * all.length)] ?? Number.NaN).toSorted(), 0.5);
  const blocks = ends.map((end, index) => all.subarray(ends[index - 1] ?? 0, end)).filter((block) => block.length > 0);
  return (random) => {
    const drawn = blocks.map(() => blocks[Math.floor(random() * blocks.length)] ?? new Float64Array());
    const joined = new Float64Array(drawn.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const block of drawn) {
      joined.set(block, at);
      at += block.length;
    }
    return quantileOfSorted(joined.toSorted(), 0.5);
  };
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
