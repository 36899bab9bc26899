import { describe, expect, it } from 'vitest';
import { differ, independent, median, medianEstimate, medianRatio, quantile } from '../../../src/bench/statistics.ts';

function width(samples: number): number {
  const values = Array.from({ length: samples }, (_, index) => 10 + ((index * 7) % 13));
  const ratio = medianRatio(independent(values), independent(values));
  return (ratio?.high ?? Number.NaN) - (ratio?.low ?? Number.NaN);
}

describe('quantile', () => {
  it('interpolates as R type 7', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4, 5], 0.99)).toBeCloseTo(4.96);
    expect(quantile([7], 0.99)).toBe(7);
  });

  it('is null of nothing', () => {
    expect(median([])).toBeNull();
  });
});

describe('medianRatio', () => {
  const floors = Array.from({ length: 100 }, (_, index) => 9 + (index % 21) / 10);

  it('has an interval around the ratio, the same each time', () => {
    const ours = floors.map((value) => value * 1.3);
    const ratio = medianRatio(independent(ours), independent(floors));
    expect(ratio?.p50).toBeCloseTo(1.3);
    expect(ratio?.low).toBeLessThan(1.3);
    expect(ratio?.high).toBeGreaterThan(1.3);
    expect(medianRatio(independent(ours), independent(floors))).toEqual(ratio);
  });

  it('narrows as there are more samples', () => {
    expect(width(1000)).toBeLessThan(width(20));
  });

  it('is null without a floor', () => {
    expect(medianRatio(independent([1]), independent([]))).toBeNull();
  });
});

describe('samples that were taken in one go', () => {
  // Four turns of fifty requests; in one of them the machine stood still.
  const values = Array.from({ length: 200 }, (_, index) => (index < 50 ? 90 : 2) + (index % 10) / 10);

  it('do not each stand for themselves', () => {
    const alone = medianEstimate(independent(values));
    const grouped = medianEstimate({ values, groups: [50, 50, 50, 50] });
    expect(alone?.high).toBeLessThan(4);
    expect(grouped?.high).toBeGreaterThan(80);
    expect(grouped?.p50).toBe(alone?.p50);
  });

  it('are the same as single ones where each is a group', () => {
    expect(medianEstimate({ values, groups: values.map(() => 1) })).toEqual(medianEstimate(independent(values)));
  });
});

describe('differ', () => {
  it('only where the intervals have nothing in common', () => {
    expect(differ({ low: 1, high: 2 }, { low: 2.1, high: 3 })).toBe(true);
    expect(differ({ low: 2.1, high: 3 }, { low: 1, high: 2 })).toBe(true);
    expect(differ({ low: 1, high: 2.2 }, { low: 2.1, high: 3 })).toBe(false);
  });
});
