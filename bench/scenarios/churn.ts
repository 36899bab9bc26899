/** Sites that stop and wake all the while, under a load that never pauses: nobody may be lost. */
import { programs } from '../programs/index.ts';
import type { Bench, Handoff, Program, Scenario } from '../types.ts';
import { loadedResult, rounded } from './loaded.ts';

const sites = 10;
/** Of the rate of `warm`: a wake costs more than a request. */
const share = 0.25;
/** Shorter than what a site waits for its next request on the average, so that stops meet clients. */
const idle = '200ms';

export const churn: Scenario = {
  name: 'churn',
  what: 'sites that stop and wake all the while under load: requests lost, latency',
  steps: ({ programs }) => programs.length * 2,
  async run(bench) {
    await bench.wakesock.install('resident');
    for (const program of programs.filter(({ name }) => bench.options.programs.includes(name))) {
      for (const handoff of ['adopt', 'listen-fds'] as const) await churns(program, handoff, bench);
    }
  },
};

async function churns(program: Program, handoff: Handoff, bench: Bench): Promise<void> {
  const { wakesock, client, options } = bench;
  const enabled = await wakesock.enable(program, handoff, bench, sites, { idle });
  const names = enabled.map(({ name }) => name);
  const wakes = async (): Promise<number> => (await wakesock.control.report()).sites.filter(({ name }) => names.includes(name)).reduce((sum, site) => sum + site.wakes, 0);
  const before = await wakes();
  const load = await client.open(mixed(enabled.map(({ port }) => port)), { ratePerSecond: options.ratePerSecond * share, durationMs: options.loadMs });
  const after = await wakes();
  const result = loadedResult([load]);
  bench.report({
    scenario: 'churn', subject: handoff, program: program.name, parameter: `${sites} sites, ${options.ratePerSecond * share}/s`, ...result,
    values: { requests: load.latenciesMs.length + result.failures, wakes: after - before, lateMsMax: rounded(load.lateMsMax) },
    notes: [...result.notes, `IdleSec=${idle}: a site is asked every ${sites / (options.ratePerSecond * share)} s on the average, at random.`],
  });
  await wakesock.disable(names);
  bench.step(`churn ${program.name} ${handoff}`);
}

/** A thousand turns, at random but the same each time, so that now and then one site waits long and another does not. */
function mixed(ports: readonly number[]): number[] {
  let state = 1;
  return Array.from({ length: 1_000 }, () => {
    // Numerical Recipes' generator; its high bits are good enough for this.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ports[Math.floor((state / 2 ** 32) * ports.length)] ?? 0;
  });
}
