import { printable } from './terminal.ts';
import { siteNamesOf } from './site-names.ts';
import { requireRoot } from './system.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'enable',
  summary: 'Prepares sites and opens their sockets: from then on the first client wakes them.',
  usage: 'wakesock enable [OPTION…] SITE…',
  options: [
    ['--json', 'Print {"sites":[{"name","unit","listen","warnings","error"}]}.'],
  ],
  details: `
Renders the bundle of each site, writes /etc/systemd/system/wakesock-site-SITE.socket from its ListenStream=, enables and
starts it. A site with Host= and no ListenStream= gets no unit: the front door wakes it. SITE is a file SITE.container in
the search path, or TEMPLATE@INSTANCE of a template TEMPLATE@.container.
Call it again after a change of ListenStream=: a site that is awake then is stopped, since its program holds the old
socket, and where there is no ListenStream= any more its unit is removed. Other changes are noticed at the next wake.
A site whose last start failed is tried again with the next client, as after prepare, apply and auto-update.

Name many sites at once: they need one reload of systemd between them. Other sites that are awake stay awake.`,
  parse: { json: { type: 'boolean' } },
  async run(context, values, positionals) {
    const names = siteNamesOf(positionals);
    requireRoot('enable');
    const { enableNamed } = await import('./with-systemd.ts');
    const sites = await enableNamed(context, names);
    if (values['json'] === true) context.stdout.write(`${JSON.stringify({ sites })}\n`);
    for (const { name, listen, warnings, error } of sites) {
      for (const warning of warnings) context.stderr.write(`wakesock: ${name}: warning: ${printable(warning)}\n`);
      if (error) context.stderr.write(`wakesock: ${printable(error.message.startsWith(name) ? error.message : `${name}: ${error.message}`)} (${error.code})\n`);
      else if (values['json'] !== true) context.stdout.write(`${name}  ${listen.length > 0 ? `sleeps at ${listen.join(', ')}` : 'sleeps; the front door wakes it'}\n`);
    }
    return sites.some(({ error }) => error !== null) ? 1 : 0;
  },
};
