/** README's table of first bytes, of the newest results of each target. Pure. */
import type { Line } from './since.ts';
import { headline, markdownRow } from './tables.ts';
import { besideReference, reference } from './verdict.ts';

const begin = '<!-- npm run bench -- --readme writes from here -->';
const end = '<!-- to here -->';
const scenarios = { cold: 'activator resident', zero: 'nothing of ours running' } as const;

/** @throws Error where the text has no place for it, or there are no results */
export function withTable(readme: string, lines: readonly Line[]): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Expected README.md to have the lines ${begin} and ${end}, in this order`);
  return `${readme.slice(0, from + begin.length)}\n${tables(lines)}\n${readme.slice(to)}`;
}

function tables(lines: readonly Line[]): string {
  const written = [...new Set(lines.map(({ target }) => target))].toSorted()
    .flatMap((target) => (Object.keys(scenarios) as (keyof typeof scenarios)[]).flatMap((scenario) => newest(lines.filter((line) => line.target === target && line.scenario === scenario))))
    .map(tableOf);
  if (written.length === 0) throw new Error('There are no results of cold or zero: npm run bench -- --readme');
  return written.join('\n\n');
}

/** Lines of one run have one time. */
function newest(lines: readonly Line[]): Line[][] {
  const at = lines.map((line) => line.at).toSorted().at(-1);
  return at === undefined ? [] : [lines.filter((line) => line.at === at)];
}

/** Subjects down, programs across; those with programs of their own stand where they were measured beside. */
function tableOf(lines: readonly Line[]): string {
  const [first] = lines;
  if (first === undefined) return '';
  const known = ['tiny', 'node', 'python'].filter((name) => lines.some(({ program }) => program === name));
  const column = (program: string | null): string | null => (known.includes(program ?? '') ? program : known.at(-1) ?? null);
  const subjects = [...new Set(lines.map(({ subject }) => subject))];
  const cells = (subject: string): string[] => known.map((name) => lines.filter((line) => line.subject === subject && column(line.program) === name).map((line) => cell(line, name, lines)).join('; '));
  const rows = subjects.map((subject) => [subject === reference || subject === 'floor' ? `**${subject}**` : subject].concat(cells(subject)));
  const skipped = new Set(lines.flatMap((line) => (line.skipped === null ? [] : [`${line.subject}: not run: ${line.skipped}`])));
  const wakes = Math.max(...lines.map(({ samplesMs, failures }) => samplesMs.length + failures));
  return [
    `First byte of a sleeping site, ${scenarios[first.scenario as keyof typeof scenarios]}, p50 / p99 of ${wakes} wakes each, all in turn. ${headline(first)}.`,
    '',
    markdownRow([first.scenario, ...known]), markdownRow(['---', ...known.map(() => '---')]), ...rows.map(markdownRow),
    '',
    `× is p50 by that of the floor. slower, faster: than \`${reference}\`, said only where the 95 % intervals of the medians do not overlap.`,
    ...[...skipped].map((text) => `\n${text}`),
  ].join('\n');
}

function cell(line: Line, program: string, all: readonly Line[]): string {
  const { p50Ms, p99Ms, floorRatio, failures, skipped, samplesMs } = line;
  if (skipped !== null) return 'not run';
  if (p50Ms === null || p99Ms === null) return `no answer to ${failures}`;
  return [
    `${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)} ms`, ...line.program === program ? [] : [`a program of its own (${line.program})`],
    ...floorRatio === null ? [] : [`${floorRatio.p50.toFixed(2)} ×`],
    // That nothing is faster than the floor needs no saying.
    ...line.subject === 'floor' ? [] : [besideReference(line, all)?.word ?? []].flat(),
    ...failures > 0 ? [`${failures} of ${failures + samplesMs.length} dropped`] : [],
  ].join(', ');
}
