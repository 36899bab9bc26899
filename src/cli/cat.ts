import { WakesockError } from '../base/errors.ts';
import { mergeSite, type MergedSite } from '../site/index.ts';
import { pathOptionRows, pathOptions, pathsOf } from './paths.ts';
import { printable, terminalOf, type Terminal } from './terminal.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'cat',
  summary: 'Shows what the files of sites come to, drop-ins merged, and where each line is from.',
  usage: 'wakesock cat [OPTION…] SITE…',
  options: [
    ['--json', 'Print {"sites":[{"name","files","entries":[{"section","key","value","file","line","column"}]}]}.'],
    ...pathOptionRows,
  ],
  details: `
Only what counts is shown: of a key of one value the last assignment, of a list those after the last empty one. Specifiers
such as %i stay as they are. The text is a unit file again: places are comments above their lines.`,
  parse: { ...pathOptions, json: { type: 'boolean' } },
  async run(context, values, names) {
    if (names.length === 0) throw new WakesockError('ERR_WAKESOCK_USAGE', 'Expected at least one site');
    const paths = pathsOf(values, context.paths);
    const sites = [...new Set(names)].map((name) => mergeSite(paths, name));
    const plain = sites.map(({ name, files, entries }) => ({
      name, files, entries: entries.map(({ section, key, value, file, line, column }) => ({ section, key, value, file, line, column })),
    }));
    context.stdout.write(values['json'] === true ? `${JSON.stringify({ sites: plain })}\n` : sites.map((site) => siteText(site, terminalOf(context))).join('\n'));
    return 0;
  },
};

function siteText({ files, entries }: MergedSite, terminal: Terminal): string {
  const lines = files.map((file) => terminal.paint('dim', `# ${printable(file)}`));
  const few = files.length === 1;
  let section = '';
  let place = '';
  for (const entry of entries) {
    if (entry.section !== section) lines.push('', `[${printable(entry.section)}]`);
    section = entry.section;
    const from = few ? String(entry.line) : `${entry.file}:${entry.line}`;
    if (from !== place) lines.push(terminal.paint('dim', `# ${few ? 'line ' : ''}${printable(from)}`));
    place = from;
    lines.push(printable(`${entry.key}=${entry.value}`));
  }
  return `${lines.join('\n')}\n`;
}
