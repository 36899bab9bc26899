import { expect, test } from 'vitest';
import { beginAll } from '../../../src/activator/begin-all.ts';

const sites = (count: number): string[] => Array.from({ length: count }, (_, index) => `site${index}`);

test('all are begun, whichever fails', () => {
  const seen: string[] = [];
  const fails = new Error('no');
  beginAll(['a', 'b', 'c'], {
    begin: (site) => {
      seen.push(site);
      if (site === 'b') throw fails;
    },
    failed: (site, error) => seen.push(`${site}: ${String(error)}`),
    extend: () => seen.push('extended'),
  });
  expect(seen).toEqual(['a', 'b', 'b: Error: no', 'c']);
});

test('systemd is asked for time again and again where there are many', () => {
  const begunAt: number[] = [];
  let begun = 0;
  beginAll(sites(350), { begin: () => { begun += 1; }, failed: () => {}, extend: (forMs) => begunAt.push(begun, forMs) });
  expect(begunAt).toEqual([100, 20_000, 200, 20_000, 300, 20_000]);
});
