/** Pictures for {@link ./page.ts}: markup that needs no script, and text that stays readable at any width. */
import { escapeText } from './page.ts';
import { quantile } from './statistics.ts';
import { roundUp } from './histogram.ts';

export interface Distribution {
  readonly name: string;
  readonly samplesMs: readonly number[];
  readonly ours: boolean;
}

/** As fine as can be told apart on a phone. */
const slots = 80;

/** A histogram each, on one logarithmic axis, with a line at the median. */
export function distributions(rows: readonly Distribution[]): string {
  const all = rows.flatMap(({ samplesMs }) => samplesMs.filter((ms) => ms > 0));
  if (all.length === 0) return '<p class="soft">no samples</p>';
  // Of thousands of samples one that waited for a second is no part of a picture.
  const low = quantile(all, 0) ?? 1, high = (quantile(all, 0.999) ?? 1) * 1.02;
  const from = Math.log10(low), span = Math.max(Math.log10(high) - from, 0.05);
  const at = (ms: number): number => Math.min(1, (Math.log10(ms) - from) / span);
  return [...rows.map((row) => distribution(row, at)), axis(ticks(low, high), at)].join('\n');
}

function distribution({ name, samplesMs, ours }: Distribution, at: (ms: number) => number): string {
  const counts = new Map<number, number>();
  for (const ms of samplesMs) {
    if (ms <= 0) continue;
    const slot = Math.min(slots - 1, Math.floor(at(ms) * slots));
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  const bars = [...counts].map(([slot, count]) => `<i style="left:${percent(slot / slots)};width:${percent(0.9 / slots)};height:${percent(count / most)}"></i>`).join('');
  const p50 = quantile(samplesMs, 0.5);
  const line = p50 === null ? '' : `<b style="left:${percent(at(p50))}"></b>`;
  return row(name, `<div class="plot">${bars}${line}</div>`, p50 === null ? 'no answer' : `${figure(p50)} ms`, ours ? 'ours' : '');
}

function axis(marks: readonly number[], at: (ms: number) => number): string {
  return row('', `<div class="plot">${marks.map((ms) => `<span style="left:${percent(at(ms))}">${figure(ms)} ms</span>`).join('')}</div>`, '', 'axis');
}

/** 1, 2, 5 times powers of ten; fewer where they are many. */
function ticks(low: number, high: number): number[] {
  const steps = high / low > 100 ? [1] : high / low > 8 ? [1, 3] : [1, 1.5, 2, 3, 5, 7];
  const marks: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) marks.push(...steps.map((step) => step * power));
  return marks.filter((mark) => mark >= low && mark <= high);
}

export interface Stack {
  readonly name: string;
  readonly parts: Readonly<Record<string, number>>;
}

/** Bars of parts that add up, on one linear axis. */
export function stacks(rows: readonly Stack[]): string {
  const names = [...new Set(rows.flatMap(({ parts }) => Object.keys(parts)))];
  const sum = ({ parts }: Stack): number => Object.values(parts).reduce((total, value) => total + value, 0);
  const most = Math.max(...rows.map(sum));
  const colour = (name: string): string => `background:${colourOf(names.indexOf(name))}`;
  return legend(names) + rows.map((each) => row(
    each.name,
    `<div class="stack">${Object.entries(each.parts).map(([name, ms]) => `<i style="${colour(name)};width:${percent(ms / most)}" title="${escapeText(name)} ${figure(ms)} ms"></i>`).join('')}</div>`,
    `${figure(sum(each))} ms`, '',
  )).join('\n');
}

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Curves {
  readonly title: string;
  readonly lines: readonly Line[];
}

const [width, height, left, right, bottom, top] = [280, 150, 44, 24, 18, 8] as const;
/** As wide as a number of five digits. */
const labelWidth = 30;

/** A small picture each, x logarithmic, y from 0; a name has the same colour in all of them. */
export function curves(all: readonly Curves[]): string {
  const drawn = all.map(({ title, lines }) => ({ title, lines: lines.filter(({ points }) => points.length > 0) })).filter(({ lines }) => lines.length > 0);
  const names = [...new Set(drawn.flatMap(({ lines }) => lines.map(({ name }) => name)))];
  return `${legend(names)}<div class="curves">${drawn.map((each) => picture(each, (name) => colourOf(names.indexOf(name)))).join('\n')}</div>`;
}

function picture({ title, lines }: Curves, colour: (name: string) => string): string {
  const all = lines.flatMap(({ points }) => points);
  const logarithms = all.map(({ x }) => Math.log10(Math.max(1, x)));
  const [first, last] = [Math.min(...logarithms), Math.max(...logarithms)];
  const highest = Math.max(...all.map(({ y }) => y));
  const most = highest > 0 ? ceiling(highest) : 1;
  const across = (x: number): number => round(left + ((Math.log10(Math.max(1, x)) - first) / (last - first || 1)) * (width - left - right));
  const down = (y: number): number => round(top + (1 - y / most) * (height - top - bottom));
  const rule = (y: number, text: string): string => `<path d="M${left} ${y}H${width - 8}" stroke="var(--line)"/><text x="${left - 4}" y="${y + 4}" text-anchor="end">${text}</text>`;
  const label = (x: number): string => `<text x="${across(x)}" y="${height - 4}" text-anchor="middle">${short(x)}</text>`;
  return `<figure><figcaption>${escapeText(title)}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(title)}">
${rule(height - bottom, '0')}${rule(top + (height - top - bottom) / 2, figure(most / 2))}${rule(top, figure(most))}
${lines.map(({ name, points }) => `<polyline points="${points.map(({ x, y }) => `${across(x)},${down(y)}`).join(' ')}" fill="none" stroke="${colour(name)}" stroke-width="2"/>
${points.map(({ x, y }) => `<circle cx="${across(x)}" cy="${down(y)}" r="3.5" fill="${colour(name)}"><title>${escapeText(name)}, ${x}: ${figure(y)}</title></circle>`).join('\n')}`).join('\n')}
${labelled(all.map(({ x }) => x), across).map(label).join('')}
</svg></figure>`;
}

/** The largest first: those that would be written over another are left out. */
function labelled(xs: readonly number[], across: (x: number) => number): number[] {
  const kept: number[] = [];
  for (const x of [...new Set(xs)].toSorted((a, b) => b - a)) if (kept.every((other) => across(other) - across(x) >= labelWidth)) kept.push(x);
  return kept;
}

function colourOf(index: number): string {
  return `var(--c${index % 8})`;
}

function legend(names: readonly string[]): string {
  return `<div class="legend">${names.map((name, index) => `<span><i style="background:${colourOf(index)}"></i>${escapeText(name)}</span>`).join('')}</div>`;
}

/** Somewhat above, on a number that can be halved. */
function ceiling(value: number): number {
  const step = roundUp(value / 5);
  return Math.ceil(value / step) * step;
}

function row(name: string, body: string, text: string, kind: string): string {
  return `<div class="row ${kind}"><span class="name">${escapeText(name)}</span>${body}<span class="figure">${escapeText(text)}</span></div>`;
}

/** Three digits that count; large ones shortened. */
function figure(value: number): string {
  if (Math.abs(value) >= 10_000) return short(value);
  return String(Number(value.toPrecision(3)));
}

function short(value: number): string {
  const [size, unit] = value >= 1e9 ? [1e9, 'G'] : value >= 1e6 ? [1e6, 'M'] : value >= 1e4 ? [1e3, 'k'] : [1, ''];
  return `${Number((value / size).toPrecision(3))}${unit}`;
}

function percent(share: number): string {
  return `${round(share * 100)}%`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
