import type { AppliedSite } from './apply-sites.ts';
import { siteNamesOf } from './site-names.ts';
import { requireRoot } from './system.ts';
import { printable } from './terminal.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'apply',
  summary: 'Gives sites that are awake the limits that their files have now.',
  usage: 'wakesock apply [OPTION…] SITE…',
  options: [
    ['--json', 'Print {"sites":[{"name","awake","changed":[{"key","from","to"}],"nextWake","enable","warnings","error"}]}.'],
  ],
  details: `
Does what \`prepare\` does, and then, where a site is awake, sets the limits of [Service] (MemoryMax=, CPUWeight=, TasksMax=, …) on its
scope, without a restart. A limit that is not in the file any more goes back to systemd's default. What a container is made with, such
as Environment= and Volume=, holds from the next wake on: which keys differ from what was prepared before is said. A site that sleeps
wakes with all of it, called or not.

All limits of a site are set, or, where systemd refuses one, none; where its file has an error, nothing is changed. A lower MemoryMax=
takes memory from the site, and ends a process of it where it cannot do with less.`,
  parse: { json: { type: 'boolean' } },
  async run(context, values, positionals) {
    const names = siteNamesOf(positionals);
    requireRoot('apply');
    const { applyNamed } = await import('./with-systemd.ts');
    const sites = await applyNamed(context, names);
    for (const site of sites) {
      for (const warning of site.warnings) context.stderr.write(`wakesock: ${site.name}: warning: ${printable(warning)}\n`);
      if (site.error) context.stderr.write(`wakesock: ${printable(site.error.message.startsWith(site.name) ? site.error.message : `${site.name}: ${site.error.message}`)} (${site.error.code})\n`);
      else if (values['json'] !== true) for (const line of linesOf(site)) context.stdout.write(`${site.name}  ${line}\n`);
    }
    if (values['json'] === true) context.stdout.write(`${JSON.stringify({ sites })}\n`);
    return sites.some(({ error }) => error !== null) ? 1 : 0;
  },
};

function linesOf({ name, awake, changed, nextWake, enable }: AppliedSite): string[] {
  const limits = changed.map(({ key, from, to }) => `${key}= from ${from} to ${to}`);
  return [
    awake ? (limits.length > 0 ? limits.join(', ') : 'has the limits of its file') : 'sleeps: its next wake is as its file says',
    ...nextWake.length > 0 ? [`from its next wake on: ${nextWake.join(', ')}`] : [],
    ...enable.length > 0 ? [`not before \`wakesock enable ${name}\`: ${enable.join(', ')}`] : [],
  ];
}
