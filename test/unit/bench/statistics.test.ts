import { describe, expect, it } from 'vitest';
import { median, medianRatio, quantile } from '../../../src/bench/statistics.ts';

function width(samples: number): number {
  const values = Array.from({ length: samples }, (_, index) => 10 + ((index * 7) % 13));
  const ratio = medianRatio(values, values);
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
    const ratio = medianRatio(ours, floors);
    expect(ratio?.p50).toBeCloseTo(1.3);
    expect(ratio?.low).toBeLessThan(1.3);
    expect(ratio?.high).toBeGreaterThan(1.3);
    expect(medianRatio(ours, floors)).toEqual(ratio);
  });

  it('narrows as there are more samples', () => {
    expect(width(1000)).toBeLessThan(width(20));
  });

  it('is null without a floor', () => {
    expect(medianRatio([1], [])).toBeNull();
  });
});
