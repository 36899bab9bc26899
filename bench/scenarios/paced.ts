/** Our client and wrk ask the same server, whose speed is known: they must say the same of it, or neither is to be believed. */
import { median, quantile } from '../../src/bench/statistics.ts';
import { type Agreement, agreementOf, agreementText, bound, type Saturated } from '../harness/agreement.ts';
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
/** Something else may have been at work in the turns of one of the two; what is at its limit is so each time. */
const attemptsMax = 5;

export async function paced(bench: Bench): Promise<void> {
  const server = new LineProcess(process.execPath, [`${bench.options.checkout}/bench/programs/paced-server.cjs`, String(serviceMs)]);
  try {
    const wrk = new Wrk(bench.directory);
    const port = Number(await server.line());
    await bench.client.firstByteMs({ port });
    let found = await measured(bench, wrk, port);
    let attempts = 1;
    for (; attempts < attemptsMax && !found.agreement.agrees; attempts += 1) found = await measured(bench, wrk, port);
    const { result, ours, theirs, agreement } = found;
    bench.report({
      scenario: 'warm', subject, program, parameter: `${connections} connections`, ...result, p99Ms: quantile(result.samplesMs, 0.99),
      values: { perSecond: ours.perSecond, wrkPerSecond: Math.round(theirs.perSecond), wrkP50Ms: rounded(theirs.p50Ms), agrees: agreement.agrees ? 1 : 0 },
      notes: [...result.notes, agreementText(`A server that takes ${serviceMs} ms for each request, one at a time`, agreement), `Within ${bound * 100} % either way is agreement.`, ...attempts === 1 ? [] : [`At attempt ${attempts} of at most ${attemptsMax}.`]],
    });
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    bench.report({ scenario: 'warm', subject, program, skipped: `${error.message}: apt-get install wrk` });
  } finally {
    await server.end();
  }
}

interface Measured {
  readonly result: ReturnType<typeof loadedResult>;
  readonly ours: Saturated;
  readonly theirs: Saturated;
  readonly agreement: Agreement;
}

async function measured(bench: Bench, wrk: Wrk, port: number): Promise<Measured> {
  const loads = [], wrkLoads = [];
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
  return { result, ours, theirs, agreement: agreementOf(ours, theirs) };
}
