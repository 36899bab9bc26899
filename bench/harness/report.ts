/** The page of a run: pictures, and the same tables as everywhere. Pure. */
import { curves, distributions, stacks } from '../../src/bench/charts.ts';
import { page, table, type Section } from '../../src/bench/page.ts';
import type { Result } from '../types.ts';
import { tablesOf } from './tables.ts';
import { ours } from './verdict.ts';

export interface Run {
  /** Of the machine, in a line. */
  readonly headline: string;
  readonly target: string;
  readonly results: readonly Result[];
}

/** Scenarios whose samples are first bytes of sleeping sites. */
const coldScenarios = ['cold', 'zero', 'image'] as const;
const steps = ['process', 'scope', 'go', 'listen'] as const;

export function report(runs: readonly Run[]): string {
  return page({
    title: 'wakesock: how it does beside what people would use instead',
    lead: [...runs.map(({ headline }) => headline), 'Subjects took turns in one run. Read the ratios: the milliseconds are this machine\'s.'],
    sections: runs.flatMap((run) => sectionsOf(run, runs.length > 1 ? `${run.target}: ` : '')),
  });
}

/** @param before every title */
function sectionsOf({ results }: Run, before: string): Section[] {
  return [
    ...coldScenarios.flatMap((scenario) => byProgram(results.filter((result) => result.scenario === scenario)).map(([program, those]) => spread(scenario, program, those))),
    ...phases(results), ...density(results),
    ...tablesOf(results).map(({ title, notes, head, rows }): Section => ({ title: `Table: ${title}`, body: table({ head, rows }), notes })),
  ].map(({ title, body, notes = [] }) => ({ title: before + title, body, notes }));
}

/** Those with a program of their own are shown with those that they were measured beside: all of them. */
function byProgram(results: readonly Result[]): [string, Result[]][] {
  const foreign = new Set(['wsgi', 'php']);
  const programs = [...new Set(results.flatMap(({ program }) => (program === null || foreign.has(program) ? [] : [program])))];
  return programs.map((name) => [name, results.filter(({ program }) => program === name || (name === 'python' && program !== null && foreign.has(program)))]);
}

function spread(scenario: string, program: string, results: readonly Result[]): Section {
  const run = results.filter(({ skipped }) => skipped === null);
  return {
    title: `First byte, ${scenario}, ${program}`,
    body: distributions(run.map((result) => ({
      name: `${result.subject}${result.program === program ? '' : ` (${result.program})`}${result.failures > 0 ? `, ${result.failures} failed` : ''}`,
      samplesMs: result.samplesMs, ours: ours.has(result.subject),
    }))),
    notes: [
      'How often each time was seen, on a logarithmic axis; the line is the median, which is the figure on the right.',
      ...results.flatMap(({ subject, skipped }) => (skipped === null ? [] : [`${subject}: not run: ${skipped}`])),
    ],
  };
}

function phases(results: readonly Result[]): Section[] {
  const rows = results.flatMap(({ scenario, subject, program, phasesMs, p50Ms }) => {
    if (scenario !== 'cold' || phasesMs === null || p50Ms === null) return [];
    let before = 0;
    const parts: Record<string, number> = {};
    for (const name of steps) {
      const ms = phasesMs[name];
      if (ms === undefined) continue;
      parts[name] = Math.max(0, ms - before);
      before = ms;
    }
    return before === 0 ? [] : [{ name: `${subject}, ${program}`, parts: { ...parts, answer: Math.max(0, p50Ms - before) } }];
  });
  const floors = results.filter(({ scenario, subject, p50Ms }) => scenario === 'cold' && subject === 'floor' && p50Ms !== null).map(({ program, p50Ms }) => ({ name: `floor, ${program}`, parts: { 'floor: all of it': p50Ms ?? 0 } }));
  if (rows.length === 0) return [];
  return [{ title: 'Steps of a wake', body: stacks([...rows, ...floors]), notes: ['Differences of medians. answer: from the last of the others to the first byte at the client; without a listen step the program\'s own start is in it.'] }];
}

function density(results: readonly Result[]): Section[] {
  const run = results.filter(({ scenario, skipped }) => scenario === 'density' && skipped === null);
  const names = [...new Set(run.flatMap(({ values }) => Object.keys(values ?? {})))].filter((name) => !['sites', 'seconds'].includes(name));
  const subjects = [...new Set(run.map(({ subject }) => subject))];
  if (run.length < 2) return [];
  return [{
    title: 'By the number of sleeping sites',
    body: curves(names.map((name) => ({
      title: name,
      lines: subjects.map((subject) => ({
        name: subject,
        points: run.filter((result) => result.subject === subject).flatMap(({ values }) => (values?.[name] == null ? [] : [{ x: values['sites'] ?? 0, y: values[name] }])).toSorted((a, b) => a.x - b.x),
      })),
    }))),
    notes: ['The number of sites on a logarithmic axis.'],
  }];
}
