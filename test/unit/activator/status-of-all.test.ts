import { expect, test } from 'vitest';
import { statusOfAll } from '../../../src/activator/status-of-all.ts';
import type { SiteStatus } from '../../../src/control/types.ts';

test('others have their turn between any ten sites, and all are told in order', async () => {
  let turn = 0;
  let over = false;
  const next = (): void => {
    turn += 1;
    if (!over) setImmediate(next);
  };
  setImmediate(next);
  const perTurn = new Map<number, number>();
  const names = Array.from({ length: 35 }, (_, index) => `site${index}`);
  const all = await statusOfAll(names.map((name) => ({
    status: () => {
      perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
      return { name } as SiteStatus;
    },
  })));
  over = true;
  expect(all.map(({ name }) => name)).toEqual(names);
  expect([...perTurn.values()]).toEqual([10, 10, 10, 5]);
  expect(await statusOfAll([])).toEqual([]);
});
