/** `npm run bench`: boots a box for each target, runs the scenarios in it (or here), keeps the results and shows them. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootBox } from '../test/box/box.ts';
import { boots } from './harness/boots.ts';
import { describeMachine } from './harness/machine.ts';
import { Progress } from './harness/progress.ts';
import { type Run, report } from './harness/report.ts';
import { runIn } from './harness/run-in.ts';
import { changes, kept, readLines } from './harness/since.ts';
import { thisMachine } from './harness/this-machine.ts';
import { ours } from './harness/verdict.ts';
import { withTable } from './harness/readme.ts';
import { headline, markdown, plainText, tablesOf } from './harness/tables.ts';
import { programs } from './programs/index.ts';
import { python } from './programs/python.ts';
import { tiny } from './programs/tiny.ts';
import { scenarios } from './scenarios/index.ts';
import { type Machine, noFigures, type Result, type RunOptions, type Target, boxTargets } from './types.ts';

const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);

/** Those that every subject is measured with. */
const quickPrograms = [tiny, python];
/** What README's table is of. */
const readmeScenarios = ['cold', 'zero'];

/** Of each number of sites: a boot with thousands of them takes long. */
const bootsMax = 3;

const help = `Usage: npm run bench -- [OPTION…]

Measures wakesock in the test box, beside the floor that nothing can be faster than and beside what people would use instead,
interleaved in one run.

Scenarios:
${scenarios.map(({ name, what }) => `  ${name.padEnd(10)} ${what}`).join('\n')}

Options:
  --target=LIST       of ${boxTargets.join(', ')} (default: both)
  --scenario=LIST     of ${names(scenarios).join(', ')} (default: all)
  --program=LIST      of ${names(programs).join(', ')} (default: all)
  --samples=N         wakes of each subject and program that count (default 200)
  --warmup=N          wakes before those (default 10)
  --sites=LIST        numbers of sleeping sites for density (default 10,1000,10000)
  --quick             everything once, within five minutes on a quiet machine: debian12, tiny and python; 5 samples,
                      1 before, 5 s of idleness, 10 sites awake, 0.8 s of load, storms of up to 50 sites, up to 1,000 asleep
  --markdown=FILE     write the tables as Markdown too
  --html=FILE         write a page with pictures and the tables
  --compare           run nothing: say what has changed in the results since the run before, on each machine
  --since=COMMIT      with --compare: since the newest run of that commit
  --readme            write README.md's table of cold and zero from the newest results of each target, after a run of these
                      two: debian12 and 30 samples unless told otherwise
  --no-run            run nothing: with --readme, --html and --markdown of the newest results of each kind
  --host              on this machine's own systemd instead of in a box; everything is taken back afterwards
  --results=DIR       where each result is appended as a line of JSON (default bench/results)
  --no-build          use dist/ as it is
  -h, --help          print this text

Figures count on a quiet machine only. Raw samples, machine and load are in the result lines.`;

interface Chosen {
  readonly targets: readonly Target[];
  readonly options: RunOptions;
  readonly results: string;
  readonly markdown: string | null;
  readonly html: string | null;
  /** README.md's table is to be written. */
  readonly readme: boolean;
  readonly runs: boolean;
  readonly compare: { readonly since: string | null } | null;
}

function choose(checkout: string): Chosen | null {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' }, scenario: { type: 'string' },
      program: { type: 'string' }, samples: { type: 'string' }, warmup: { type: 'string' }, sites: { type: 'string' },
      quick: { type: 'boolean', default: false }, markdown: { type: 'string' }, results: { type: 'string', default: 'bench/results' },
      'no-build': { type: 'boolean' }, html: { type: 'string' }, compare: { type: 'boolean' }, readme: { type: 'boolean', default: false }, 'no-run': { type: 'boolean', default: false }, since: { type: 'string' }, host: { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const { quick, readme } = values;
  return {
    targets: values.host ? ['host'] : listOf('target', values.target ?? (quick || readme ? boxTargets[0] : boxTargets.join(',')), boxTargets),
    options: {
      scenarios: listOf('scenario', values.scenario ?? (readme ? readmeScenarios : names(scenarios)).join(','), names(scenarios)),
      programs: listOf('program', values.program ?? names(quick ? quickPrograms : programs).join(','), names(programs)),
      samples: count('samples', values.samples, quick ? 5 : readme ? 30 : 200, 1),
      warmup: count('warmup', values.warmup, quick ? 1 : readme ? 5 : 10, 0),
      idleMs: quick ? 5_000 : 60_000,
      awake: quick ? [1, 2, 10] : [1, 2, 10, 50],
      loadMs: quick ? 800 : 20_000,
      ratePerSecond: 100,
      storm: quick ? [1, 10, 50] : [1, 10, 50, 200],
      density: values.sites?.split(',').map((text) => count('sites', text, 0, 1)) ?? (quick ? [10, 1_000] : [10, 1_000, 10_000]),
      checkout,
    },
    results: values.results,
    markdown: values.markdown ?? null,
    html: values.html ?? null,
    readme,
    runs: !values['no-run'],
    compare: values.compare ? { since: values.since ?? null } : null,
  };
}

function listOf<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map((word) => {
    const found = known.find((name) => name === word);
    if (found === undefined) throw new Error(`Expected --${option}= to be a list of ${known.join(', ')}, got ${text}`);
    return found;
  });
}

function count(option: string, text: string | undefined, otherwise: number, min: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min) throw new Error(`Expected --${option}= to be a number from ${min} on, got ${text}`);
  return value;
}

async function runTarget(target: Target, { options, results: directory }: Chosen): Promise<{ machine: Machine; results: Result[] }> {
  const place = target === 'host' ? thisMachine() : await bootBox({ target, log: (line) => console.error(`box: ${line}`) });
  try {
    const machine = await describeMachine(place, target);
    const results: Result[] = [];
    const took: string[] = [];
    const progress = new Progress(process.stderr);
    const keep = (result: Result): void => {
      results.push(result);
      // At once: what has been measured is kept, whatever comes later.
      appendFileSync(join(directory, `${result.scenario}.jsonl`), `${JSON.stringify({ ...machine, ...result })}\n`);
    };
    const startMs = performance.now();
    await runIn(place, options, (event) => {
      if (event.type === 'progress') progress.show(event.done, event.total, `${target} ${event.what}`);
      else if (event.type === 'took') took.push(`${event.scenario} ${seconds(event.ms)}`);
      else keep(event.result);
    });
    if (options.scenarios.includes('density')) {
      const bootStartMs = performance.now();
      for (const result of await bootResults(target, options)) keep(result);
      took.push(`density: boot ${seconds(performance.now() - bootStartMs)}`);
    }
    progress.clear();
    console.error(`bench: ${target} took ${seconds(performance.now() - startMs)}: ${took.join(', ')}`);
    return { machine, results };
  } finally {
    await place.stop();
  }
}

/** Of `density`: what cannot be seen from inside. */
async function bootResults(target: Target, { density, samples, checkout }: RunOptions): Promise<Result[]> {
  if (target === 'host') return [{ ...noFigures, scenario: 'density', subject: 'own sockets: boot', skipped: 'a machine is not started anew for a measurement: without --host, boxes are' }];
  return boots({ target, checkout, density, rounds: Math.min(bootsMax, Math.ceil(samples / 5)), step: (what) => console.error(`bench: ${target} ${what}`) });
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

async function main(): Promise<void> {
  const chosen = choose(process.cwd());
  if (chosen === null) return console.log(help);
  mkdirSync(chosen.results, { recursive: true });
  if (chosen.compare !== null) return console.log(plainText(changes(readLines(chosen.results), chosen.compare.since)));
  if (chosen.runs) await runAll(chosen);
  else write(kept(readLines(chosen.results)), chosen);
  if (chosen.readme) writeFileSync('README.md', withTable(readFileSync('README.md', 'utf8'), readLines(chosen.results)));
}

function write(runs: readonly Run[], chosen: Chosen): void {
  if (chosen.markdown !== null) writeFileSync(chosen.markdown, `${runs.flatMap((run) => [`## ${run.headline}`, ...tablesOf(run.results).map(markdown)]).join('\n\n')}\n`);
  if (chosen.html !== null) writeFileSync(chosen.html, report(runs));
}

async function runAll(chosen: Chosen): Promise<void> {
  const runs: Run[] = [];
  for (const target of chosen.targets) {
    const { machine, results } = await runTarget(target, chosen);
    console.log([headline(machine), ...tablesOf(results).map(plainText)].join('\n\n').concat('\n'));
    runs.push({ headline: headline(machine), target, results });
    write(runs, chosen);
    // That others drop clients is what some of them are there to show.
    if (results.some(({ subject, failures }) => failures > 0 && ours.has(subject))) process.exitCode = 1;
  }
}

// In a box nothing needs to be taken back; on this machine the run does that, and is waited for (this-machine.ts).
if (!process.argv.includes('--host')) for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
