import type { Diagnostic } from '../unitfile/diagnostic.ts';
import { printable, type Terminal } from './terminal.ts';

/** Columns of a line that are shown, so that a long one does not hide its neighbours. */
const excerptLengthMax = 120;

/** One problem as a compiler prints it: place, severity, message, code; the line; a caret; what to write instead. */
export function problemText(problem: Diagnostic, terminal: Terminal): string {
  const { severity, code, file, line, column, text, message, suggestion } = problem;
  const place = [file, ...(line > 0 ? [line, ...(column > 0 ? [column] : [])] : [])].join(':');
  const label = terminal.paint(severity === 'error' ? 'red' : 'yellow', severity);
  const lines = [`${terminal.paint('bold', printable(place))}: ${label}: ${printable(message)} ${terminal.paint('dim', `[${code}]`)}`];
  const gutter = String(line).length + 2;
  if (line > 0 && text !== '') {
    const from = column > excerptLengthMax - 20 ? column - 1 - 40 : 0;
    const excerpt = printable(text.slice(from, from + excerptLengthMax)).replaceAll(/[\t\r\n]/g, ' ');
    lines.push(`${` ${line}`.padStart(gutter)} | ${from > 0 ? '…' : ''}${excerpt}${from + excerptLengthMax < text.length ? '…' : ''}`);
    if (column > 0) lines.push(`${' '.repeat(gutter)} | ${' '.repeat(column - 1 - from + (from > 0 ? 1 : 0))}${terminal.paint(severity === 'error' ? 'red' : 'yellow', '^')}`);
  }
  if (suggestion !== null) lines.push(`${' '.repeat(line > 0 ? gutter : 2)} = help: ${printable(suggestion)}`);
  return `${lines.join('\n')}\n`;
}

/** `2 errors, 1 warning` */
export function problemCounts(problems: readonly Diagnostic[]): { errors: number; warnings: number; text: string } {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  return { errors, warnings, text: `${count(errors, 'error')}, ${count(warnings, 'warning')}` };
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
