import type { SiteState, SiteStatus, StatusReport } from '../control/types.ts';
import { formatAgeSince, formatBytes, formatCount, formatMs } from './format.ts';
import { hintFor } from './hints.ts';
import { printable, type Colour, type Terminal } from './terminal.ts';

const looks: Readonly<Record<SiteState, { readonly symbol: string; readonly ascii: string; readonly colour: Colour }>> = {
  dormant: { symbol: '○', ascii: '.', colour: 'dim' },
  waking: { symbol: '◐', ascii: '>', colour: 'yellow' },
  awake: { symbol: '●', ascii: '*', colour: 'green' },
  draining: { symbol: '◑', ascii: '<', colour: 'yellow' },
  frozen: { symbol: '◌', ascii: '~', colour: 'blue' },
  failed: { symbol: '✗', ascii: '!', colour: 'red' },
};

/** `● awake` in the state's colour; the bare word where nobody looks at a screen. */
export function stateLabel(state: SiteState, terminal: Terminal): string {
  return terminal.paint(looks[state].colour, plainLabel(state, terminal));
}

function plainLabel(state: SiteState, { interactive, unicode }: Terminal): string {
  if (!interactive) return state;
  return `${unicode ? looks[state].symbol : looks[state].ascii} ${state}`;
}

interface Column {
  readonly title: string;
  /** Lower ones are kept where not all fit. */
  readonly rank: number;
  readonly right?: true;
  cell(site: SiteStatus, now: Date): string;
}

const columns: readonly Column[] = [
  { title: 'SITE', rank: 0, cell: ({ name }) => name },
  { title: 'STATE', rank: 1, cell: ({ state }) => state },
  { title: 'SINCE', rank: 2, right: true, cell: ({ since }, now) => formatAgeSince(since, now) },
  { title: 'LISTEN', rank: 3, cell: ({ listen }) => firstOf(listen) },
  { title: 'HOSTS', rank: 7, cell: ({ hosts }) => firstOf(hosts) },
  { title: 'LAST WAKE', rank: 4, right: true, cell: ({ lastWake }) => formatMs(lastWake?.phasesMs.total) },
  { title: 'MEMORY', rank: 5, right: true, cell: ({ memoryBytes }) => formatBytes(memoryBytes) },
  { title: 'CONN', rank: 6, right: true, cell: ({ connections }) => formatCount(connections) },
  { title: 'WAKES', rank: 8, right: true, cell: ({ wakes }) => String(wakes) },
];

const gap = 2;

/** What `wakesock status` prints: a heading, a row per site, and below a site that has an error what it is and what helps. */
export function statusTable({ activator, sites }: StatusReport, terminal: Terminal, now: Date): string {
  const lines = [heading(activator, sites, terminal)];
  if (sites.length === 0) return `${lines[0]}\nNo sites: a file of [Container] and [X-Wakesock] in /etc/wakesock/sites makes one.\n`;
  const nameWidthMax = Math.max(12, terminal.width - gap - '● draining'.length);
  const cells = sites.map((site) => columns.map((column) => {
    if (column.title === 'STATE') return plainLabel(site.state, terminal);
    return column.title === 'SITE' ? cut(site.name, nameWidthMax) : column.cell(site, now);
  }));
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...cells.map((row) => row[index]?.length ?? 0)));
  const shown = fitting(widths, terminal.width);
  lines.push('', terminal.paint('bold', rowText(columns.map(({ title }) => title), widths, shown)));
  for (const [index, site] of sites.entries()) {
    const row = cells[index] ?? [];
    const text = rowText(row, widths, shown);
    lines.push(text.replace(row[1] ?? '', terminal.paint(looks[site.state].colour, row[1] ?? '')));
    lines.push(...errorLines(site, terminal));
  }
  return `${lines.join('\n')}\n`;
}

function heading(activator: StatusReport['activator'], sites: readonly SiteStatus[], { paint }: Terminal): string {
  const counts = new Map<SiteState, number>();
  for (const { state } of sites) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = (Object.keys(looks) as SiteState[]).filter((state) => counts.has(state))
    .map((state) => paint(looks[state].colour, `${counts.get(state)} ${state}`));
  const running = activator.state === 'running' ? `activator running (pid ${activator.pid ?? '?'})` : 'activator not running';
  return [paint('bold', 'wakesock'), running, ...states].join('  ');
}

/** The columns that fit, most important first; site and state always. */
function fitting(widths: readonly number[], width: number): ReadonlySet<number> {
  const shown = new Set<number>();
  let left = width + gap;
  for (const { title, rank } of columns.toSorted((a, b) => a.rank - b.rank)) {
    const index = columns.findIndex((column) => column.title === title);
    const needed = (widths[index] ?? 0) + gap;
    if (rank > 1 && needed > left) continue;
    left -= needed;
    shown.add(index);
  }
  return shown;
}

function rowText(row: readonly string[], widths: readonly number[], shown: ReadonlySet<number>): string {
  const padded = row.map((cell, index) => {
    const width = widths[index] ?? 0;
    return columns[index]?.right === true ? cell.padStart(width) : cell.padEnd(width);
  });
  return padded.filter((_, index) => shown.has(index)).join(' '.repeat(gap)).trimEnd();
}

function firstOf([first = '-', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} +${others.length}`;
}

/** The first line of the message, cut to the terminal, then the code and what helps. */
function errorLines(site: SiteStatus, { width, paint }: Terminal): string[] {
  if (site.error === null) return [];
  const { code, message } = site.error;
  const [first = ''] = printable(message).split('\n', 1);
  const hint = hintFor(site);
  return [
    paint('red', cut(`  ${first}`, width)),
    paint('dim', cut(`  ${code}${hint === null ? '' : `  ${hint}`}`, width)),
  ];
}

function cut(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}
