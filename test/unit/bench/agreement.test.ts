import { expect, test } from 'vitest';
import { agreementOf, agreementText, bound } from '../../../bench/harness/agreement.ts';

const wrk = { perSecond: 1000, p50Ms: 8 };

test.each([
  ['the same', wrk, true],
  ['both within the bound', { perSecond: 1000 / (1 + bound) + 1, p50Ms: 8 * (1 + bound) - 0.01 }, true],
  ['fewer answers', { perSecond: 1000 / (1 + bound) - 1, p50Ms: 8 }, false],
  ['more answers', { perSecond: 1000 * (1 + bound) + 1, p50Ms: 8 }, false],
  ['a higher median', { perSecond: 1000, p50Ms: 8 * (1 + bound) + 0.1 }, false],
  ['a lower median', { perSecond: 1000, p50Ms: 8 / (1 + bound) - 0.1 }, false],
  ['nothing was answered', { perSecond: 0, p50Ms: Number.NaN }, false],
])('%s', (_, ours, agrees) => {
  const found = agreementOf(ours, wrk);
  expect(found.agrees).toBe(agrees);
  expect(agreementText('x', found).includes('DO NOT AGREE')).toBe(!agrees);
});
