import fc from 'fast-check';
import { expect, test } from 'vitest';
import { histogram, roundUp } from '../../../src/bench/histogram.ts';

test('every value is in one class, classes meet, and there are few of them', () => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0.01, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 200 }), (values) => {
    const bins = histogram(values);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
    expect(bins.length).toBeLessThanOrEqual(12);
    for (const [index, { from, to }] of bins.entries()) {
      expect(to).toBeGreaterThan(from);
      const next = bins[index + 1];
      if (next) expect(next.from).toBeCloseTo(to, 6);
    }
  }));
});

test('one that took much longer has a class of its own, and the others are still told apart', () => {
  const bins = histogram([...Array.from({ length: 40 }, (_, index) => 20 + index / 10), 5_000]);
  expect(bins.at(-1)).toMatchObject({ to: Infinity });
  expect(bins.length).toBeGreaterThan(5);
});

test('of nothing there is nothing', () => {
  expect(histogram([])).toEqual([]);
  expect(histogram([3, 3, 3]).map(({ count }) => count)).toEqual([3]);
});

test('values that differ in their last digits only', () => {
  const bins = histogram([50_000, 50_000 + 1e-11]);
  expect(bins.map(({ count }) => count)).toEqual([2]);
  for (const { from, to } of bins) expect(to).toBeGreaterThan(from);
});

test.each([[1, 1], [1.1, 2], [3, 5], [6, 10], [0.03, 0.05], [230, 500]])('%d is rounded up to %d', (value, rounded) => {
  expect(roundUp(value)).toBeCloseTo(rounded);
});
