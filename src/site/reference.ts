import type { SiteSection, SupportedKey, RefusedKey } from './key-row.ts';
import { schema } from './schema.ts';

const titles: Readonly<Record<SiteSection, string>> = {
  'X-Wakesock': 'What is wakesock\'s own. systemd and podman pass this section over.',
  Container: 'Quadlet\'s keys (podman-systemd.unit(5)).',
  Service: 'Limits of the site, systemd.resource-control(5), applied to its scope; timeouts.',
  Unit: 'Dependencies have no meaning for a site, which its first client starts.',
};

/** Codes of problems that `wakesock check` prints besides the `ERR_WAKESOCK_…` of docs/errors.md. */
export const problemCodes: Readonly<Record<string, string>> = {
  'bad-value': 'A value cannot be read.',
  'conflict': 'Two values cannot both be, within a site or between two.',
  'environment-file-line': 'A line of a file of `EnvironmentFile=` is not `NAME=value`.',
  'exec-variable': '`$NAME` in `Exec=` is not replaced here, as systemd would.',
  'front-file': 'A file of `WaitPage=` or `NoWake=` is not there, too large, or not to be read by the front door.',
  'line-too-long': 'A line with its continuation lines is longer than 1 MiB.',
  'missing-equals': 'A line is neither a section header nor an assignment.',
  'missing-key': 'A key that a site needs is not there, or a line begins with `=`.',
  'no-controller': 'Limits have no effect, since the machine\'s control groups lack a controller.',
  'no-effect': 'A key is known, and has no effect here.',
  'not-utf-8': 'The file is not UTF-8.',
  'nul': 'The file holds a NUL character.',
  'outside-section': 'An assignment before the first section header.',
  'section-header': 'A section header is broken.',
  'too-large': 'The file is larger than 1 MiB.',
  'undeclared-address': 'A socket unit of wakesock.service listens where its site does not: `ListenStream=` of the two differ.',
  'unknown-escape': 'A backslash that begins no known escape sequence.',
  'unknown-key': 'A key that nobody knows.',
  'unknown-section': 'A section that nobody knows; sections `X-…` pass.',
  'unit-missing': 'systemd has no unit of the name that `Unit=` gives.',
  'unreadable': 'The file cannot be read.',
  'volume-missing': 'The host\'s side of a `Volume=` is not there.',
};

/** docs/site-file.md: every key, from the schema. */
export function siteReference(): string {
  return `# Site files

<!-- Written from src/site/schema.ts by test/unit/site/reference.test.ts; change it there. -->

A site is \`/etc/wakesock/sites/SITE.container\`, in Quadlet's format, that of systemd's unit files (systemd.syntax(7)). Files in
\`/run/wakesock/sites\` and \`/usr/lib/wakesock/sites\` count, too; of two of one name the first in this order does. An empty file, or a link to
\`/dev/null\`, masks. Drop-ins are the \`*.conf\` files of \`SITE.container.d\`, of \`PREFIX-.container.d\` for a name with dashes, and of \`container.d\` for all
sites, sorted by name, as systemd has it.

\`SITE@.container\` is a template: \`wakesock enable SITE@NAME\` makes a site of it, with \`%i\` for NAME in any value. \`%n\` is the name of the file
(\`SITE@NAME.container\`), \`%N\` that without its type, \`%p\` what is before the \`@\`, \`%%\` a percent sign.

Names of sites match \`[a-z0-9][a-z0-9._-]*\`; \`front\`, \`control\` and \`wakesock\` are reserved, and so is what ends in the suffix of a unit, such as \`.socket\`. Give exactly one of \`Rootfs=\`, \`Image=\` and \`Root=host\`, and a
program: \`Exec=\`; or \`Handoff=relay\` and a \`Target=\`. Keys marked *list* may be given several times; an empty assignment resets them. Of others the last counts. An unknown key is a
warning, a value that cannot be read an error: \`wakesock check\` prints both with their place.

${(Object.keys(titles) as SiteSection[]).map(sectionText).join('\n')}
## [Install], [X-…]

Passed over, as is \`[Quadlet]\`.

## Codes of problems

Besides the \`ERR_WAKESOCK_…\` of [errors.md](errors.md), \`wakesock check\` prints:

| code | what |
| --- | --- |
${Object.entries(problemCodes).map(([code, text]) => `| \`${code}\` | ${text} |`).join('\n')}
`;
}

function sectionText(section: SiteSection): string {
  const rows = schema.filter((row) => row.section === section);
  const supported = rows.filter((row): row is SupportedKey => 'read' in row);
  const refused = rows.filter((row): row is RefusedKey => 'refused' in row);
  return `## [${section}]

${titles[section]}

${supported.map(keyText).join('\n')}${refused.length === 0 ? '' : `
### Known in [${section}], and not done

*refused*: the site has an error, since without the key it would be another site. *warning*, *passed*: the site works without.

| key | | why |
| --- | --- | --- |
${refused.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map((row) => `| \`${row.key}=\` | ${words[row.refused]} | ${row.reason} |`).join('\n')}
`}`;
}

const words: Readonly<Record<RefusedKey['refused'], string>> = { error: 'refused', warning: 'warning', silent: 'passed' };

function keyText(row: SupportedKey): string {
  const notes = [row.list === true ? '*list*' : '', row.default === undefined ? '' : `default: ${row.default}`].filter((note) => note !== '').join(', ');
  return `**\`${row.key}=${row.syntax}\`**${notes === '' ? '' : ` (${notes})`}  \n${row.text}\n`;
}
