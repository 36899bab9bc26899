/** systemd itself is asked what it makes of generated units, and of every unit that was ever read differently. */
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testBox } from '../../support/test-box.ts';
import { oracleTest } from '../../support/oracle.ts';
import { compareWithSystemd, corpusUnit } from './compare.ts';
import { unitText } from './generate.ts';

const box = testBox();
const corpus = readdirSync(new URL('../../corpus', import.meta.url)).filter((name) => /\.(?:service|socket|timer)$/.test(name));

test('findings of the past', async () => {
  const { differences, compared } = await compareWithSystemd(box, corpus.map(corpusUnit));
  expect(compared).toBeGreaterThan(corpus.length);
  expect(differences).toEqual([]);
});

oracleTest('generated units: each value as systemd has it', 120_000, async (seed) => {
  const units = fc.sample(unitText, { numRuns: 600, seed });
  const { differences, compared, refused } = await compareWithSystemd(box, units);
  expect(compared).toBeGreaterThan(units.length * 3);
  expect(refused).toBeLessThan(units.length / 10);
  expect(differences).toEqual([]);
});
