/** Results as tables, for a terminal and as Markdown. Pure. */
import type { Estimate } from '../../src/bench/statistics.ts';
import type { Machine, Result } from '../types.ts';
import { besideReference, reference, verdictText } from './verdict.ts';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

/** A table per scenario. */
export function tablesOf(results: readonly Result[]): Table[] {
  const names = [...new Set(results.map(({ scenario }) => scenario))];
  return names.map((name) => tableOf(name, results.filter(({ scenario }) => scenario === name)));
}

/** Of times, with other figures in columns of their own; or of other figures alone. */
function tableOf(title: string, results: readonly Result[]): Table {
  const notes = new Set(results.flatMap((result) => result.notes));
  for (const { skipped, subject, program } of results) if (skipped !== null) notes.add(`${subject}${program === null ? '' : `, ${program}`}: not run: ${skipped}`);
  const run = results.filter(({ skipped }) => skipped === null);
  const { head, rows } = run.some(({ program }) => program !== null) ? latencies(run) : run.some(({ parameter }) => parameter !== null) ? curves(run) : figures(run);
  return { title, head, rows, notes: [...notes] };
}

function latencies(results: readonly Result[]): Pick<Table, 'head' | 'rows'> {
  const more = [...new Set(results.flatMap(({ values }) => Object.keys(values ?? {})))];
  const columns: readonly (readonly [string, (result: Result) => string])[] = [
    ['program', ({ program }) => program ?? ''], ['subject', ({ subject }) => subject], ['at', ({ parameter }) => parameter ?? ''],
    ['n', ({ samplesMs }) => String(samplesMs.length)], ['p50 ms', ({ p50Ms }) => milliseconds(p50Ms)], ['p99 ms', ({ p99Ms }) => milliseconds(p99Ms)],
    ['× floor (95 %)', ({ floorRatio }) => ratio(floorRatio)],
    [`× ${reference} (95 %)`, (result) => verdictText(besideReference(result, results))], ['failed', ({ failures }) => String(failures)],
    ...more.map((name) => [name, ({ values }: Result) => figure(values?.[name])] as const),
    ['phases, ms', ({ phasesMs }) => Object.entries(phasesMs ?? {}).map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(', ')],
  ];
  // What none of them has is no column.
  const used = columns.filter(([, cell]) => results.some((result) => cell(result) !== ''));
  return { head: used.map(([name]) => name), rows: results.map((result) => used.map(([, cell]) => cell(result))) };
}

/** A column for each parameter. */
function curves(results: readonly Result[]): Pick<Table, 'head' | 'rows'> {
  const subjects = [...new Set(results.map(({ subject }) => subject))];
  const parameters = [...new Set(results.toSorted((a, b) => (a.values?.['sites'] ?? 0) - (b.values?.['sites'] ?? 0)).map(({ parameter }) => parameter ?? ''))];
  const names = [...new Set(results.flatMap(({ values }) => Object.keys(values ?? {})))];
  const value = (of: string, at: string, name: string): string => figure(results.find(({ subject, parameter }) => subject === of && parameter === at)?.values?.[name]);
  const rows = subjects.flatMap((subject) => names.map((name) => ({ subject, name, cells: parameters.map((parameter) => value(subject, parameter, name)) })));
  return {
    head: ['subject', 'figure', ...parameters],
    // Not every subject has every figure.
    rows: rows.filter(({ cells }) => cells.some((cell) => cell !== '')).map(({ subject, name, cells }) => [subject, name].concat(cells)),
  };
}

function figures(results: readonly Result[]): Pick<Table, 'head' | 'rows'> {
  return { head: ['subject', 'figure', 'value'], rows: results.flatMap(({ subject, values }) => Object.entries(values ?? {}).map(([name, value]) => [subject, name, figure(value)])) };
}

function figure(value: number | null | undefined): string {
  if (value === undefined) return '';
  // More digits than a microsecond has say nothing.
  return value === null ? 'not known' : String(Math.round(value * 1000) / 1000);
}

export function plainText({ title, head, rows, notes }: Table): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => (isNumber(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd();
  return [title, line(head), ...rows.map(line), ...notes.map((note) => `  ${note}`)].join('\n');
}

export function markdown({ title, head, rows, notes }: Table): string {
  return [`### ${title}`, '', markdownRow(head), markdownRow(head.map(() => '---')), ...rows.map(markdownRow), ...notes.flatMap((note) => ['', note])].join('\n');
}

export function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function milliseconds(value: number | null): string {
  return value === null ? '' : value.toFixed(1);
}

function ratio(value: Estimate | null): string {
  return value === null ? '' : `${value.p50.toFixed(2)} (${value.low.toFixed(2)}–${value.high.toFixed(2)})`;
}

function isNumber(text: string): boolean {
  return /^-?[\d.]+$/.test(text);
}

/** Of what machine results are. */
export function headline({ target, at, commit, kernel, systemd, crun, node, cpu, cpus, load }: Machine): string {
  return `${target}, ${at.slice(0, 10)}, ${commit}: Linux ${kernel}, systemd ${systemd}, crun ${crun}, Node ${node}, ${cpus} × ${cpu}, load before ${load.join(' ')}`;
}
