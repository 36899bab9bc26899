import { test } from 'vitest';

/** What `npm run test:oracle` sets: where generated input begins, and how many times as much there is. */
const firstSeed = Number(process.env['WAKESOCK_ORACLE_SEED'] ?? 20_261_124);
const rounds = Number(process.env['WAKESOCK_ORACLE_ROUNDS'] ?? 1);

/**
 * A test of generated input, which a seed determines. In `npm test` it has one round, always the same; in the long run many. A round
 * that fails says its seed: with that as WAKESOCK_ORACLE_SEED it is the only one of `npm test`.
 *
 * @param roundMs what a round has at most
 */
export function oracleTest(name: string, roundMs: number, body: (seed: number) => Promise<void> | void): void {
  test(name, async () => {
    for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
      try {
        await body(seed);
      } catch (error) {
        process.stderr.write(`oracle: WAKESOCK_ORACLE_SEED=${seed} npx vitest run --project=unit --project=system -t ${JSON.stringify(name)}\n`);
        throw error;
      }
    }
  }, roundMs * rounds);
}
