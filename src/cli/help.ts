import type { Verb } from './verb.ts';
import { verbs } from './verbs.ts';

const helpOption = ['-h, --help', 'Print this text.'] as const;

/** What `wakesock VERB --help` prints. docs/cli.md holds the same text. */
export function verbHelp(verb: Verb): string {
  const details = verb.details === undefined ? '' : `\n${verb.details.trim()}\n`;
  return `Usage: ${verb.usage}\n\n${verb.summary}\n\nOptions:\n${rows([...verb.options, helpOption])}${details}`;
}

/** What `wakesock --help` prints. */
export async function overallHelp(): Promise<string> {
  const all = await Promise.all(Object.values(verbs).map((load) => load()));
  return `Usage: wakesock VERB [OPTION…] [SITE…]

Thousands of low-traffic sites on one box: systemd holds their sockets, a client wakes their containers,
idle ones are stopped.

Verbs:
${rows(all.map(({ verb }) => [verb.name, verb.summary]))}
Options:
${rows([helpOption, ['-V, --version', 'Print the version.']])}
\`wakesock VERB --help\` tells more. Exit codes: 0 ok, 1 failed, 2 wrong usage, 70 a bug in wakesock.
`;
}

function rows(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length)) + 2;
  return pairs.map(([name, text]) => `  ${name.padEnd(width)}${indent(text, width + 2)}\n`).join('');
}

/** Wraps at 100 columns, the following lines under the first. */
function indent(text: string, column: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && column + line.length + 1 + word.length > 100) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${' '.repeat(column)}`);
}
