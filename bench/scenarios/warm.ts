/**
 * A program that is awake, under load: latency at a rate that does not wait for it, and how much it bears. Every request has a
 * connection of its own, as those of a site have that is seldom asked.
 */
import type { Load } from '../../src/bench/load.ts';
import { wrk } from '../harness/wrk.ts';
import { adopt } from '../subjects/adopt.ts';
import { alwaysOn } from '../subjects/always-on.ts';
import { emperor } from '../subjects/emperor.ts';
import { listenFds } from '../subjects/listen-fds.ts';
import { phpFpm } from '../subjects/php-fpm.ts';
import { proxydCrun } from '../subjects/proxyd.ts';
import { socketUnitCrun } from '../subjects/socket-unit.ts';
import type { Bench, Scenario } from '../types.ts';
import { type Contestant, forEachProgram, inTurn } from './contestants.ts';
import { answersPerSecond, joined, loadedResult, rounded } from './loaded.ts';

const subjects = [alwaysOn, socketUnitCrun, adopt, listenFds, proxydCrun, emperor, phpFpm] as const;
/** Each has its turn so often: what else the machine does falls on all alike. A turn is one witness of the intervals. */
const rounds = 8;
/** wrk measures for whole seconds: its turns are fewer. */
const wrkRounds = 2;
/** More than the programs have threads, few enough that none waits long. */
const connections = 8;
/** In which our own client is compared with wrk. */
const alone = 1;

interface Measured {
  readonly atRate: Load[];
  readonly saturated: Load[];
  readonly wrkPerSecond: number[];
  readonly onePerSecond: number[];
  readonly wrkOnePerSecond: number[];
}

export const warm: Scenario = {
  name: 'warm',
  what: 'a program that is awake: latency at a fixed rate, and throughput at saturation',
  steps: ({ programs }) => programs.length * rounds,
  async run(bench) {
    await bench.wakesock.install('resident');
    await forEachProgram('warm', subjects, bench, async (program, contestants) => {
      const measured = contestants.map((contestant) => ({ contestant, figures: { atRate: [], saturated: [], wrkPerSecond: [], onePerSecond: [], wrkOnePerSecond: [] } satisfies Measured as Measured }));
      for (let round = 0; round < rounds; round += 1) {
        for (const { contestant, figures } of inTurn(measured, round)) await measure(contestant, figures, round < wrkRounds, bench);
        bench.step(`warm ${program.name}`);
      }
      for (const { contestant, figures } of measured) report(contestant, figures, bench);
    });
  },
};

async function measure({ running: { port, speech, sleep } }: Contestant, figures: Measured, withWrk: boolean, { client, options }: Bench): Promise<void> {
  const durationMs = options.loadMs / rounds;
  await client.firstByteMs(port, speech);
  figures.atRate.push(await client.open([port], { ratePerSecond: options.ratePerSecond, durationMs }, speech));
  figures.saturated.push(await client.closed(port, { connections, durationMs }, speech));
  figures.onePerSecond.push(answersPerSecond(await client.closed(port, { connections: alone, durationMs: durationMs / 2 }, speech)));
  if (withWrk && speech === undefined) {
    const [many, one] = [await wrk(port, connections, durationMs), await wrk(port, alone, durationMs / 2)];
    if (many !== null) figures.wrkPerSecond.push(many);
    if (one !== null) figures.wrkOnePerSecond.push(one);
  }
  await sleep();
}

function report({ subject, program, running, versions }: Contestant, figures: Measured, bench: Bench): void {
  const { ratePerSecond } = bench.options;
  const load = joined(figures.atRate);
  const [one, wrkOne] = [mean(figures.onePerSecond), mean(figures.wrkOnePerSecond)];
  const result = loadedResult(figures.atRate);
  bench.report({
    scenario: 'warm', subject: subject.name, program, versions, parameter: `${ratePerSecond}/s`, ...result,
    values: {
      requests: load.latenciesMs.length + result.failures, lateMsMax: rounded(load.lateMsMax),
      perSecond: answersPerSecond(joined(figures.saturated)), wrkPerSecond: mean(figures.wrkPerSecond),
      onePerSecond: one, wrkOnePerSecond: wrkOne,
      // What our client adds to each request, beside one in C: latencies are that much too high, those of all subjects alike.
      clientMs: one && wrkOne ? rounded(1000 / one - 1000 / wrkOne) : null,
    },
    notes: [
      ...result.notes, ...running.note === undefined ? [] : [running.note],
      'Latency is counted from when a request was due, so that a stall counts for all who would have come (coordinated omission).',
      `perSecond: ${connections} connections, by our client and by wrk; onePerSecond: one. clientMs is the difference for one request: what our client costs.`,
    ],
  });
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
}
