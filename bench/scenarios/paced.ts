/** Our client and wrk ask the same server, whose speed is known: they must say the same of it, or neither is to be believed. */
import { median, quantile } from '../../src/bench/statistics.ts';
import { agreementOf, agreementText, bound, type Saturated } from '../harness/agreement.ts';
import { LineProcess } from '../harness/line-process.ts';
import { Wrk } from '../harness/wrk.ts';
import { type Bench, Unavailable } from '../types.ts';
import { answersPerSecond, joined, loadedResult, rounded } from './loaded.ts';

const subject = 'client beside wrk';
const program = 'paced';
/** So long that neither client is at its limit, and a late timer matters little. */
const serviceMs = 5;
const connections = 8;
/** In turn; wrk measures for whole seconds. */
const rounds = 2;

export async function paced(bench: Bench): Promise<void> {
  const server = new LineProcess(process.execPath, [`${bench.options.checkout}/bench/programs/paced-server.cjs`, String(serviceMs)]);
  try {
    const wrk = new Wrk(bench.directory);
    const port = Number(await server.line());
    const loads = [], wrkLoads = [];
    await bench.client.firstByteMs({ port });
    for (let round = 0; round < rounds; round += 1) {
      loads.push(await bench.client.closed({ port }, { connections, durationMs: 1_000 }));
      wrkLoads.push(await wrk.run(port, connections, 1, undefined, { closing: true }));
    }
    const result = loadedResult(loads);
    const ours: Saturated = { perSecond: answersPerSecond(joined(loads)), p50Ms: result.p50Ms ?? Number.NaN };
    const theirs: Saturated = {
      perSecond: wrkLoads.reduce((sum, { requests }) => sum + requests, 0) / wrkLoads.reduce((sum, { seconds }) => sum + seconds, 0),
      p50Ms: median(wrkLoads.map(({ p50Ms }) => p50Ms)) ?? Number.NaN,
    };
    const agreement = agreementOf(ours, theirs);
    bench.report({
      scenario: 'warm', subject, program, parameter: `${connections} connections`, ...result, p99Ms: quantile(result.samplesMs, 0.99),
      values: { perSecond: ours.perSecond, wrkPerSecond: Math.round(theirs.perSecond), wrkP50Ms: rounded(theirs.p50Ms), agrees: agreement.agrees ? 1 : 0 },
      notes: [...result.notes, agreementText(`A server that takes ${serviceMs} ms for each request, one at a time`, agreement), `Within ${bound * 100} % either way is agreement.`],
    });
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    bench.report({ scenario: 'warm', subject, program, skipped: `${error.message}: apt-get install wrk` });
  } finally {
    await server.end();
  }
}
