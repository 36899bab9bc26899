/** Results as tables, for a terminal and as Markdown. Pure. */
import type { Estimate } from '../../src/bench/statistics.ts';
import type { Result } from '../types.ts';

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

/** Of first bytes, or of other figures. */
function tableOf(title: string, results: readonly Result[]): Table {
  const notes = new Set(results.flatMap((result) => result.notes));
  for (const { skipped, subject, program } of results) if (skipped !== null) notes.add(`${subject}, ${program}: not run: ${skipped}`);
  const { head, rows } = results.some(({ values }) => values !== null) ? figures(results) : latencies(results);
  return { title, head, rows, notes: [...notes] };
}

function latencies(results: readonly Result[]): Pick<Table, 'head' | 'rows'> {
  return {
    head: ['program', 'subject', 'n', 'p50 ms', 'p99 ms', '× floor (95 %)', 'failed', 'phases, ms'],
    rows: results.filter(({ skipped }) => skipped === null).map(({ program, subject, samplesMs, p50Ms, p99Ms, floorRatio, failures, phasesMs }) => [
      program ?? '', subject, String(samplesMs.length), milliseconds(p50Ms), milliseconds(p99Ms), ratio(floorRatio), String(failures),
      Object.entries(phasesMs ?? {}).map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(', '),
    ]),
  };
}

function figures(results: readonly Result[]): Pick<Table, 'head' | 'rows'> {
  return {
    head: ['subject', 'figure', 'value'],
    rows: results.flatMap(({ subject, values }) => Object.entries(values ?? {}).map(([name, value]) => [subject, name, value === null ? 'not known' : String(value)])),
  };
}

export function plainText({ title, head, rows, notes }: Table): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => (isNumber(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd();
  return [title, line(head), ...rows.map(line), ...notes.map((note) => `  ${note}`)].join('\n');
}

export function markdown({ title, head, rows, notes }: Table): string {
  return [`### ${title}`, '', markdownRow(head), markdownRow(head.map(() => '---')), ...rows.map(markdownRow), ...notes.flatMap((note) => ['', note])].join('\n');
}

function markdownRow(cells: readonly string[]): string {
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
