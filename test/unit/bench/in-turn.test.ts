import { expect, test } from 'vitest';
import { inTurn } from '../../../bench/scenarios/contestants.ts';

test.each([1, 2, 3, 4, 5, 7, 11])('%i contestants: each once a round, and everybody follows everybody else equally often', (count) => {
  const all = Array.from({ length: count }, (_, index) => index);
  const followed = new Map<string, number>();
  for (let round = 0; round < 2 * count; round += 1) {
    const order = inTurn(all, round);
    expect(order.toSorted((a, b) => a - b)).toEqual(all);
    order.slice(1).forEach((one, index) => followed.set(`${order[index]} ${one}`, (followed.get(`${order[index]} ${one}`) ?? 0) + 1));
  }
  expect(new Set(followed.values())).toEqual(new Set(count === 1 ? [] : [2]));
  expect(followed.size).toBe(count * (count - 1));
});
