/** The subjects of a comparison: started, or reported as skipped with the reason, and stopped. */
import { type Bench, type Program, type Running, type Subject, Unavailable } from '../types.ts';
import { programs } from '../programs/index.ts';

export interface Contestant {
  readonly subject: Subject;
  /** As the result names it. */
  readonly program: string;
  readonly running: Running;
  readonly versions: Readonly<Record<string, string>> | null;
}

/** Once for each program that was chosen, with all subjects that run it. */
export async function forEachProgram(
  scenario: string, subjects: readonly Subject[], bench: Bench, action: (program: Program, contestants: readonly Contestant[]) => Promise<void>,
): Promise<void> {
  for (const program of programs.filter(({ name }) => bench.options.programs.includes(name))) {
    const contestants: Contestant[] = [];
    try {
      for (const subject of subjects) {
        if (subject.own && subject.own.beside !== program.name) continue;
        const running = await startOrSay(scenario, subject, program, bench);
        if (running) contestants.push({ subject, program: programOf(subject, program), running, versions: subject.versions?.() ?? null });
      }
      await action(program, contestants);
    } finally {
      for (const { running } of contestants) await running.stop();
    }
  }
}

/**
 * The order of a round. In two rounds for each contestant everybody follows everybody else twice, so that what one leaves behind (namespaces
 * whose clearing away still goes on) falls on all alike: a balanced Latin square (Williams, 1949), and for an odd number its mirror image too.
 */
export function inTurn<T>(contestants: readonly T[], round: number): T[] {
  const count = contestants.length;
  const zigzag = contestants.map((_, index) => (index % 2 === 0 ? index / 2 : count - (index + 1) / 2));
  const row = zigzag.map((index) => contestants[(index + round) % count] as T);
  return Math.floor(round / count) % 2 === 0 ? row : row.toReversed();
}

async function startOrSay(scenario: string, subject: Subject, program: Program, bench: Bench): Promise<Running | null> {
  try {
    return await subject.start(program, bench);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    bench.report({ scenario, subject: subject.name, program: programOf(subject, program), skipped: error.message });
    return null;
  }
}

function programOf({ own }: Subject, { name }: Program): string {
  return own?.program ?? name;
}
