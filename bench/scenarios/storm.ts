/** Many sleeping sites, all asked at once: how long until each has answered. */
import type { Load } from '../../src/bench/load.ts';
import { median } from '../../src/bench/statistics.ts';
import { programs } from '../programs/index.ts';
import { adopt } from '../subjects/adopt.ts';
import { adoptThroughFront } from '../subjects/front-door.ts';
import { listenFds } from '../subjects/listen-fds.ts';
import { socketUnitCrun } from '../subjects/socket-unit.ts';
import { type Bench, type Crowd, type Scenario, type Subject, Unavailable } from '../types.ts';
import { inTurn } from './contestants.ts';
import { loadedResult, rounded } from './loaded.ts';

/** Those that can have as many sites as they like: in the machine's network each program would need a port of its own. */
const subjects = [socketUnitCrun, adopt, listenFds, adoptThroughFront] as const;
/** A round is one witness of the intervals. */
const roundsMax = 6;
/** Put to sleep at a time: the control socket's backlog has an end. */
const sleepersMax = 32;

interface Crowded {
  readonly subject: Subject;
  readonly crowd: Crowd;
}

export const storm: Scenario = {
  name: 'storm',
  what: 'many sleeping sites asked at once: until all have answered',
  steps: ({ storm, samples }) => storm.length * Math.min(samples, roundsMax),
  async run(bench) {
    await bench.wakesock.install('resident');
    const program = programs.find(({ name }) => bench.options.programs.includes(name));
    if (program === undefined) return;
    const crowds: Crowded[] = [];
    try {
      for (const subject of subjects) {
        try {
          const crowd = await subject.startMany?.(program, bench, Math.max(...bench.options.storm));
          if (crowd) crowds.push({ subject, crowd });
        } catch (error) {
          if (!(error instanceof Unavailable)) throw error;
          bench.report({ scenario: 'storm', subject: subject.name, program: program.name, skipped: error.message });
        }
      }
      await warmUp(crowds, bench);
      for (const sites of bench.options.storm) await storms(sites, program.name, crowds, bench);
    } finally {
      for (const { crowd } of crowds) await crowd.stop();
    }
  },
};

/** An activator that has just started is slower than one that has woken sites before. */
async function warmUp(crowds: readonly Crowded[], bench: Bench): Promise<void> {
  for (let round = 0; round < bench.options.warmup; round += 1) {
    for (const { crowd: { members: [first] } } of crowds) {
      if (first === undefined) continue;
      await bench.client.firstByteMs(first);
      await first.sleep();
    }
  }
}

async function storms(sites: number, program: string, crowds: readonly Crowded[], bench: Bench): Promise<void> {
  const loads = new Map<Subject, Load[]>(crowds.map(({ subject }) => [subject, []]));
  for (let round = 0; round < Math.min(bench.options.samples, roundsMax); round += 1) {
    for (const { subject, crowd } of inTurn(crowds, round)) {
      const woken = crowd.members.slice(0, sites);
      loads.get(subject)?.push(await bench.client.burst(woken));
      for (let from = 0; from < woken.length; from += sleepersMax) await Promise.all(woken.slice(from, from + sleepersMax).map((member) => member.sleep()));
    }
    bench.step(`storm ${sites} sites`);
  }
  for (const { subject } of crowds) {
    const each = loads.get(subject) ?? [];
    const allMs = median(each.map(({ durationMs }) => durationMs));
    bench.report({
      scenario: 'storm', subject: subject.name, program, parameter: `${sites} sites`, ...loadedResult(each),
      values: { sites, allMs: allMs && rounded(allMs), startsPerSecond: allMs && Math.round((sites * 10_000) / allMs) / 10 },
    });
  }
}
