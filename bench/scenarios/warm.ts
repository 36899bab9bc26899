/**
 * A program that is awake, under load: latency at a rate that does not wait for it, and how much it bears. Every request has a
 * connection of its own, as those of a site have that is seldom asked.
 */
import type { Load } from '../../src/bench/load.ts';
import { median } from '../../src/bench/statistics.ts';
import { agreementOf, agreementText } from '../harness/agreement.ts';
import { Wrk, type WrkLoad } from '../harness/wrk.ts';
import { adopt } from '../subjects/adopt.ts';
import { alwaysOn } from '../subjects/always-on.ts';
import { emperor } from '../subjects/emperor.ts';
import { adoptThroughFront } from '../subjects/front-door.ts';
import { listenFds } from '../subjects/listen-fds.ts';
import { phpFpm } from '../subjects/php-fpm.ts';
import { proxydCrun } from '../subjects/proxyd.ts';
import { socketUnitCrun } from '../subjects/socket-unit.ts';
import { type Bench, type RunOptions, type Scenario, Unavailable } from '../types.ts';
import { type Contestant, forEachProgram, inTurn } from './contestants.ts';
import { answersPerSecond, joined, loadedResult, rounded } from './loaded.ts';
import { paced } from './paced.ts';

const subjects = [alwaysOn, socketUnitCrun, adopt, listenFds, adoptThroughFront, proxydCrun, emperor, phpFpm] as const;
/** Each has its turn so often: what else the machine does falls on all alike. A turn is one witness of the intervals. */
const rounds = 8;
/** wrk measures for whole seconds: its turns are fewer, and one where ours are much shorter. */
const wrkRounds = ({ loadMs }: RunOptions): number => (loadMs / rounds < 1_000 ? 1 : 2);
/** More than the programs have threads, few enough that none waits long. */
const connections = 8;
/** In which our own client is compared with wrk. */
const alone = 1;

interface Measured {
  readonly atRate: Load[];
  readonly saturated: Load[];
  readonly wrkPerSecond: number[];
  readonly wrkP50Ms: number[];
  readonly onePerSecond: number[];
  readonly wrkOnePerSecond: number[];
}

export const warm: Scenario = {
  name: 'warm',
  what: 'a program that is awake: latency at a fixed rate, and throughput at saturation',
  steps: ({ programs }) => programs.length * rounds + 1,
  async run(bench) {
    await bench.wakesock.install('resident');
    await paced(bench);
    bench.step('warm, client beside wrk');
    const wrk = wrkHere(bench);
    await forEachProgram('warm', subjects, bench, async (program, contestants) => {
      const measured = contestants.map((contestant) => ({ contestant, figures: { atRate: [], saturated: [], wrkPerSecond: [], wrkP50Ms: [], onePerSecond: [], wrkOnePerSecond: [] } satisfies Measured as Measured }));
      for (let round = 0; round < rounds; round += 1) {
        for (const { contestant, figures } of inTurn(measured, round)) await measure(contestant, figures, round < wrkRounds(bench.options) ? wrk : null, bench);
        bench.step(`warm ${program.name}`);
      }
      for (const { contestant, figures } of measured) report(contestant, figures, bench);
    });
  },
};

function wrkHere({ directory }: Bench): Wrk | null {
  try {
    return new Wrk(directory);
  } catch (error) {
    if (error instanceof Unavailable) return null;
    throw error;
  }
}

async function measure({ running }: Contestant, figures: Measured, wrk: Wrk | null, { client, options }: Bench): Promise<void> {
  const durationMs = options.loadMs / rounds;
  await client.firstByteMs(running);
  figures.atRate.push(await client.open([running], { ratePerSecond: options.ratePerSecond, durationMs }));
  figures.saturated.push(await client.closed(running, { connections, durationMs }));
  figures.onePerSecond.push(answersPerSecond(await client.closed(running, { connections: alone, durationMs: durationMs / 2 })));
  if (wrk !== null && running.speech === undefined) {
    const by = (count: number, ms: number): Promise<WrkLoad> => wrk.run(running.port, count, Math.max(1, Math.round(ms / 1000)), running.host, { closing: true });
    const many = await by(connections, durationMs);
    figures.wrkPerSecond.push(many.requests / many.seconds);
    figures.wrkP50Ms.push(many.p50Ms);
    // What our client costs is the same for all: a short run leaves it out.
    const one = wrkRounds(options) > 1 ? await by(alone, durationMs / 2) : null;
    if (one) figures.wrkOnePerSecond.push(one.requests / one.seconds);
  }
  await running.sleep();
}

function report({ subject, program, running, versions }: Contestant, figures: Measured, bench: Bench): void {
  const { ratePerSecond } = bench.options;
  const load = joined(figures.atRate);
  const [one, wrkOne] = [mean(figures.onePerSecond), mean(figures.wrkOnePerSecond)];
  const result = loadedResult(figures.atRate);
  const saturated = joined(figures.saturated);
  const [perSecond, wrkPerSecond] = [answersPerSecond(saturated), mean(figures.wrkPerSecond)];
  const [saturatedP50Ms, wrkP50Ms] = [median(saturated.latenciesMs), median(figures.wrkP50Ms)];
  const agreement = wrkPerSecond !== null && saturatedP50Ms !== null && wrkP50Ms !== null ? agreementOf({ perSecond, p50Ms: saturatedP50Ms }, { perSecond: wrkPerSecond, p50Ms: wrkP50Ms }) : null;
  bench.report({
    scenario: 'warm', subject: subject.name, program, versions, parameter: `${ratePerSecond}/s`, ...result,
    values: {
      requests: load.latenciesMs.length + result.failures, lateMsMax: rounded(load.lateMsMax),
      perSecond, wrkPerSecond, saturatedP50Ms: saturatedP50Ms && rounded(saturatedP50Ms), wrkP50Ms: wrkP50Ms && rounded(wrkP50Ms), agrees: agreement && (agreement.agrees ? 1 : 0),
      onePerSecond: one, wrkOnePerSecond: wrkOne,
      // What our client adds to each request, beside one in C: latencies are that much too high, those of all subjects alike.
      clientMs: one && wrkOne ? rounded(1000 / one - 1000 / wrkOne) : null,
    },
    notes: [
      ...result.notes, ...running.note === undefined ? [] : [running.note],
      ...agreement === null || agreement.agrees ? [] : [agreementText(`${subject.name}, ${program}`, agreement)],
      'Latency is counted from when a request was due, so that a stall counts for all who would have come (coordinated omission).',
      `perSecond: ${connections} connections, by our client and by wrk; onePerSecond: one. clientMs is the difference for one request: what our client costs.`,
    ],
  });
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
}
