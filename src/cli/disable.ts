import { siteNamesOf } from './site-names.ts';
import { requireRoot } from './system.ts';
import { printable } from './terminal.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'disable',
  summary: 'Closes the sockets of sites, stops what is awake, and removes what `enable` wrote.',
  usage: 'wakesock disable [OPTION…] SITE…',
  options: [
    ['--json', 'Print {"sites":[{"name","wasEnabled","data","error"}]}.'],
  ],
  details: `
The site's own files and data stay. Clients that are connected, or wait, are disconnected. Other sites that are awake
stay awake.`,
  parse: { json: { type: 'boolean' } },
  async run(context, values, positionals) {
    const names = siteNamesOf(positionals);
    requireRoot('disable');
    const { disableNamed } = await import('./with-systemd.ts');
    const sites = await disableNamed(context, names, (disabled) => {
      if (values['json'] === true) context.stdout.write(`${JSON.stringify({ sites: disabled })}\n`);
      for (const { name, wasEnabled, data, error } of disabled) {
        if (error) context.stderr.write(`wakesock: ${name}: ${printable(error.message)} (${error.code})\n`);
        else if (values['json'] !== true) context.stdout.write(`${name}  ${wasEnabled ? 'disabled' : 'was not enabled'}${data === null ? '' : `; files of its program stay in ${data}`}\n`);
      }
    });
    return sites.some(({ error }) => error !== null) ? 1 : 0;
  },
};
