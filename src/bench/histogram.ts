/** Times in classes of equal width. */
import { quantile } from './statistics.ts';

export interface Bin {
  readonly from: number;
  /** Infinity: all that is above. */
  readonly to: number;
  readonly count: number;
}

/** A few outliers would leave everything else in one class: what is above this quantile has one of its own. */
const shownShare = 0.95;

/** At most `most` classes and one for the rest, on round numbers; those at the ends are not empty. */
export function histogram(values: readonly number[], most = 10): Bin[] {
  const [low, high] = [quantile(values, 0), quantile(values, shownShare)];
  if (low === null || high === null) return [];
  const spread = (high - low) / (most - 1);
  // Values that differ in their last digits only are alike: classes so narrow would have no width.
  const width = roundUp(spread > high * 1e-9 ? spread : high / most || 1);
  const first = Math.floor(low / width) * width;
  const bins = Array.from({ length: Math.floor((high - first) / width) + 1 }, (_, index) => ({ from: first + index * width, to: first + (index + 1) * width, count: 0 }));
  const end = bins.at(-1)?.to ?? first;
  let rest = 0;
  for (const value of values) {
    const bin = bins[Math.floor((value - first) / width)];
    if (bin) bin.count += 1;
    else rest += 1;
  }
  return rest === 0 ? bins : [...bins, { from: end, to: Infinity, count: rest }];
}

/** The next of 1, 2, 5 times a power of ten. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((step) => step * power >= value * (1 - 1e-9)) ?? 10) * power;
}
