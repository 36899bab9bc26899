/** What has changed since an earlier run on the same machine, from the lines of bench/results. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine, Result } from '../types.ts';
import type { Run } from './report.ts';
import { headline, type Table } from './tables.ts';
import { samplesOf, verdict, verdictText } from './verdict.ts';

export type Line = Machine & Result;

export function readLines(directory: string): Line[] {
  return readdirSync(directory).filter((name) => name.endsWith('.jsonl')).toSorted()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').filter(Boolean).map((text) => JSON.parse(text) as Line));
}

/** The newest result of each kind, as one run of each target. */
export function kept(lines: readonly Line[]): Run[] {
  const kinds = new Map<string, Line>();
  for (const line of lines.toSorted((a, b) => a.at.localeCompare(b.at))) kinds.set(JSON.stringify([line.target, line.scenario, line.program, line.subject, line.parameter ?? null]), line);
  const all = [...kinds.values()];
  return [...new Set(all.map(({ target }) => target))].toSorted().map((target) => {
    const results = all.filter((line) => line.target === target);
    const newest = results.reduce((a, b) => (a.at > b.at ? a : b));
    return { headline: `The newest result of each kind, not of one run; of the newest: ${headline(newest)}`, target, results };
  });
}

/**
 * The newest line of each kind beside the newest earlier one of the same machine. Figures without samples are not compared:
 * one value has no interval.
 * @param since a commit; default: whatever was before
 */
export function changes(lines: readonly Line[], since: string | null): Table {
  const kinds = new Map<string, Line[]>();
  for (const line of lines.toSorted((a, b) => a.at.localeCompare(b.at))) {
    if (line.samplesMs.length === 0) continue;
    const kind = JSON.stringify([line.target, line.cpu, line.cpus, line.kernel, line.scenario, line.program, line.subject, line.parameter ?? null]);
    kinds.set(kind, [...kinds.get(kind) ?? [], line]);
  }
  const rows: string[][] = [];
  for (const all of kinds.values()) {
    const now = all.at(-1);
    const before = all.slice(0, -1).findLast(({ commit }) => since === null || commit === since);
    if (!now || !before) continue;
    rows.push([
      now.target, now.scenario, now.program ?? '', now.subject, now.parameter ?? '',
      `${before.commit} ${before.at.slice(0, 10)}`, milliseconds(before), `${now.commit} ${now.at.slice(0, 10)}`, milliseconds(now),
      verdictText(verdict(samplesOf(now), samplesOf(before))) || 'not known',
    ]);
  }
  return {
    title: 'what has changed', head: ['target', 'scenario', 'program', 'subject', 'at', 'before', 'p50 ms', 'now', 'p50 ms', 'now : before (95 %)'], rows,
    notes: [
      rows.length === 0 ? 'Nothing to compare: no two lines of the same CPU, kernel, target, scenario, program and subject.' : '"slower" and "faster" only where the intervals of the two medians do not overlap.',
      'Runs at different times: what else the machine did is part of the difference. The floor of both says how much.',
    ],
  };
}

function milliseconds({ p50Ms }: Line): string {
  return p50Ms === null ? '' : p50Ms.toFixed(1);
}
