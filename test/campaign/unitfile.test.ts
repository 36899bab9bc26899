/** The oracle and the fuzzers, long, with a seed of their own each time: a run that fails says which it was. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { attachBox } from '../box/box.ts';
import { compareWithSystemd } from '../system/unitfile/compare.ts';
import { unitText } from '../system/unitfile/generate.ts';

const seed = Number(process.env['WAKESOCK_ORACLE_SEED'] ?? Math.floor(Date.now() / 1000));
const rounds = Number(process.env['WAKESOCK_ORACLE_ROUNDS'] ?? 10);
const box = attachBox(inject('box'));

test('tens of thousands of generated units, each value as systemd has it', async () => {
  let compared = 0;
  for (let round = 0; round < rounds; round++) {
    const result = await compareWithSystemd(box, fc.sample(unitText, { numRuns: 4_000, seed: seed + round }));
    compared += result.compared;
    expect(result.differences, `WAKESOCK_ORACLE_SEED=${seed + round} WAKESOCK_ORACLE_UNITS=4000`).toEqual([]);
  }
  process.stderr.write(`unitfile: ${compared} values compared, WAKESOCK_ORACLE_SEED=${seed}\n`);
  expect(compared).toBeGreaterThan(rounds * 10_000);
});

test('calendar events and fuzzing at length', async () => {
  const env = { ...process.env, WAKESOCK_CALENDAR_CASES: '8000', WAKESOCK_FUZZ_RUNS: '50000', WAKESOCK_FUZZ_LENGTH: '4000000' };
  const { stdout } = await promisify(execFile)(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project=unit', 'test/unit/unitfile/calendar.test.ts', 'test/unit/unitfile/fuzz.test.ts'], { env, maxBuffer: 1e8 });
  expect(stdout).toMatch(/Tests .*passed/);
});
