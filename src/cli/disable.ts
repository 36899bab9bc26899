import { siteNamesOf } from './site-names.ts';
import { requireRoot, systemUnitDir } from './system.ts';
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
    const [{ createManager }, { disableSites }, { controlClient }, { releaseImages, storesOf }] = await Promise.all([
      import('../systemd/manager.ts'), import('./disable-sites.ts'), import('../control/client.ts'), import('../image/keep.ts'),
    ]);
    const manager = createManager();
    const client = controlClient(context.paths.controlPath);
    const stores = storesOf(context.paths, names);
    try {
      const sites = await disableSites(names, {
        paths: context.paths, unitDir: systemUnitDir, manager, sleep: (name) => client.sleep(name, { force: true }),
      });
      if (values['json'] === true) context.stdout.write(`${JSON.stringify({ sites })}\n`);
      for (const { name, wasEnabled, data, error } of sites) {
        if (error) context.stderr.write(`wakesock: ${name}: ${printable(error.message)} (${error.code})\n`);
        else if (values['json'] !== true) context.stdout.write(`${name}  ${wasEnabled ? 'disabled' : 'was not enabled'}${data === null ? '' : `; files of its program stay in ${data}`}\n`);
      }
      for (const store of stores) await releaseImages(context.paths, store);
      return sites.some(({ error }) => error !== null) ? 1 : 0;
    } finally {
      manager.close();
    }
  },
};
