/** Sites that stop and wake all the while, under a load that never pauses: nobody may be lost. */
import type { Load } from '../../src/bench/load.ts';
import type { EnabledSite } from '../harness/wakesock.ts';
import { programs } from '../programs/index.ts';
import { throughFront } from '../harness/verdict.ts';
import type { Bench, Handoff, Program, Scenario } from '../types.ts';
import { inTurn } from './contestants.ts';
import { joined, loadedResult, rounded } from './loaded.ts';

const sites = 10;
/** Of the rate of `warm`: a wake costs more than a request. */
const share = 0.25;
/** Shorter than what a site waits for its next request on the average, so that stops meet clients. */
const idle = '200ms';

/** All take turns; a turn is one witness of the intervals. */
const rounds = 8;
const ways: readonly { readonly subject: string; readonly handoff: Handoff; readonly behindFront?: boolean }[] = [
  { subject: 'adopt', handoff: 'adopt' }, { subject: 'listen-fds', handoff: 'listen-fds' }, { subject: throughFront, handoff: 'adopt', behindFront: true },
];

export const churn: Scenario = {
  name: 'churn',
  what: 'sites that stop and wake all the while under load: requests lost, latency',
  steps: ({ programs }) => programs.length * rounds,
  async run(bench) {
    await bench.wakesock.install('resident');
    for (const program of programs.filter(({ name }) => bench.options.programs.includes(name))) await churns(program, bench);
  },
};

interface Churning {
  readonly subject: string;
  readonly enabled: readonly EnabledSite[];
  readonly loads: Load[];
}

async function churns(program: Program, bench: Bench): Promise<void> {
  const { wakesock, client, options } = bench;
  const ratePerSecond = options.ratePerSecond * share;
  const churning: Churning[] = [];
  try {
    for (const { subject, handoff, behindFront = false } of ways) {
      churning.push({ subject, enabled: await wakesock.enable(program, handoff, bench, sites, { idle, behindFront }), loads: [] });
      if (behindFront) await wakesock.openFront();
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const { enabled, loads } of inTurn(churning, round)) {
        const turns = mixed(enabled, round + 1);
        loads.push(await client.open(turns, { ratePerSecond, durationMs: options.loadMs / rounds }));
      }
      bench.step(`churn ${program.name}`);
    }
    const { sites: all } = await wakesock.control.report();
    for (const { subject, enabled, loads } of churning) {
      const names = new Set(enabled.map(({ name }) => name));
      const result = loadedResult(loads);
      bench.report({
        scenario: 'churn', subject, program: program.name, parameter: `${sites} sites, ${ratePerSecond}/s`, ...result,
        values: {
          requests: result.samplesMs.length + result.failures, wakes: all.filter(({ name }) => names.has(name)).reduce((sum, site) => sum + site.wakes, 0),
          lateMsMax: rounded(joined(loads).lateMsMax),
        },
        notes: [...result.notes, `IdleSec=${idle}: a site is asked every ${sites / ratePerSecond} s on the average, at random.`],
      });
    }
  } finally {
    await wakesock.closeFront();
    await wakesock.disable(churning.flatMap(({ enabled }) => enabled.map(({ name }) => name)));
  }
}

/** A thousand turns, at random but the same each time, so that now and then one site waits long and another does not. */
function mixed<T>(all: readonly T[], seed: number): T[] {
  let state = seed;
  return Array.from({ length: 1_000 }).flatMap(() => {
    // Numerical Recipes' generator; its high bits are good enough for this.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return all[Math.floor((state / 2 ** 32) * all.length)] ?? [];
  });
}
