// What the demo shows, as text. Pure: values in, lines out.

const looks = {
  dormant: ['○', '.', '2'], waking: ['◐', '>', '33'], awake: ['●', '*', '32'], draining: ['◑', '<', '33'], failed: ['✗', '!', '31'],
  // The activator's.
  off: ['○', '.', '2'], running: ['●', '*', '32'],
};
const spinner = { unicode: '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏', ascii: '|/-\\' };
const phases = ['activator', 'process', 'scope', 'go', 'listen', 'answer'];
const gap = '  ';

export const formatMs = (ms) => ms === undefined ? '' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

export function formatMemory(bytes) {
  if (bytes === undefined) return '';
  if (bytes === 0) return 'none';
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/**
 * Cuts the client's time into steps. `status` counts from the moment the activator saw the client: what is before it is the
 * activator's own start, what is after `listen` the program's until its answer.
 * @param {{ ms: number, startedAtMs: number }} answer as timed by the client
 * @param {{ at: string, phasesMs: Record<string, number | null> }} lastWake
 * @returns {Record<string, number>} milliseconds by phase, whose sum is the client's time
 */
export function splitPhases({ ms, startedAtMs }, { at, phasesMs }) {
  const before = Math.max(0, Math.min(Date.parse(at) - startedAtMs, ms - phasesMs.total));
  const split = { activator: before };
  let doneMs = 0;
  for (const phase of ['process', 'scope', 'go', 'listen']) {
    split[phase] = (phasesMs[phase] ?? doneMs) - doneMs;
    doneMs = phasesMs[phase] ?? doneMs;
  }
  return { ...split, answer: ms - before - doneMs };
}

/** `activator 60 + process 6 + … ms` */
export function phaseList(split) {
  return `${phases.map((phase) => `${phase} ${Math.round(split[phase])}`).join(' + ')} ms`;
}

/**
 * The whole screen. Every line fits into `width`.
 * @param {{ rows: readonly object[], doing?: string, notes: readonly string[] }} model
 *   rows: `{ name, state, processes?, memoryBytes?, firstMs?, secondMs?, phasesMs? }`
 * @param {{ width: number, unicode: boolean, colour: boolean, tick: number }} look
 */
export function renderScreen({ rows, doing, notes }, { width, unicode, colour, tick }) {
  const paint = (code, text) => colour && text !== '' ? `\u001B[${code}m${text}\u001B[0m` : text;
  const label = (state) => `${looks[state][unicode ? 0 : 1]} ${state}`;

  const sites = table(
    [['SITE', 'STATE', '>PROCESSES', '>MEMORY', '>FIRST ANSWER', '>SECOND'],
      ...rows.map((row) => [row.name, label(row.state), String(row.processes ?? ''), formatMemory(row.memoryBytes), formatMs(row.firstMs), formatMs(row.secondMs)])],
    (line) => cut(line, width, unicode), (line, index) => index === 0 ? paint('1', line) : line.replace(label(rows[index - 1].state), (text) => paint(looks[rows[index - 1].state][2], text)),
  );
  const timed = rows.filter((row) => row.phasesMs !== undefined);
  const steps = timed.length === 0 ? [] : table(
    [['MS OF IT', ...phases.map((phase) => `>${phase.toUpperCase()}`)], ...timed.map((row) => [row.name].concat(phases.map((phase) => String(Math.round(row.phasesMs[phase])))))],
    (line) => cut(line, width, unicode), (line, index) => index === 0 ? paint('1', line) : line,
  );
  const frames = spinner[unicode ? 'unicode' : 'ascii'];
  const last = [...notes.map((note) => cut(note, width, unicode)), ...doing === undefined ? [] : [paint('36', cut(`${frames[tick % frames.length]} ${doing}`, width, unicode))]];
  return [...sites, '', ...steps, ...steps.length > 0 ? [''] : [], ...last];
}

/** Columns as wide as their cells; `>` before a title aligns right. Painted last: colours have no width. */
function table(cells, fit, paintLine) {
  const right = cells[0].map((title) => title.startsWith('>'));
  const texts = [cells[0].map((title) => title.replace(/^>/, '')), ...cells.slice(1)];
  const widths = right.map((_, column) => Math.max(...texts.map((row) => row[column].length)));
  return texts.map((row, index) => {
    const line = row.map((text, column) => right[column] ? text.padStart(widths[column]) : text.padEnd(widths[column])).join(gap).trimEnd();
    return paintLine(fit(line), index);
  });
}

function cut(text, width, unicode) {
  return text.length <= width ? text : text.slice(0, Math.max(0, width - 1)) + (unicode ? '…' : '>');
}
