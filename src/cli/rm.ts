import { rmSync } from 'node:fs';
import { preparedDir, type Paths } from '../base/paths.ts';
import type { DisabledSite } from './disable-sites.ts';
import { siteNamesOf } from './site-names.ts';
import { requireRoot } from './system.ts';
import { printable } from './terminal.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'rm',
  summary: 'Removes sites that `create` made: sockets, file, and all that their programs wrote into their roots.',
  usage: 'wakesock rm [OPTION…] SITE…',
  options: [
    ['--keep-data', 'What the programs wrote stays, and is there again for a site of that name.'],
    ['--json', 'Print {"sites":[{"name","data","error"}]}.'],
  ],
  details: `
Does what \`disable\` does, then removes the site's own directory and the file that \`create\` wrote. A site whose file somebody
else wrote is refused. Templates, images, and what a Volume= names stay: directories of the machine, volumes of podman's.`,
  parse: { json: { type: 'boolean' }, 'keep-data': { type: 'boolean' } },
  async run(context, values, positionals) {
    const names = siteNamesOf(positionals);
    requireRoot('rm');
    const [{ assertRemovable, removeSiteFiles }, { disableNamed }] = await Promise.all([import('./new-site.ts'), import('./with-systemd.ts')]);
    for (const name of names) assertRemovable(context.paths, name);
    const keep = values['keep-data'] === true;
    const sites = await disableNamed(context, names, (disabled) => {
      for (const { name, error } of disabled) {
        if (error !== null) continue;
        if (!keep) removeData(context.paths, name);
        // Last: until then `rm` can be called again.
        removeSiteFiles(context.paths, name);
      }
    });
    const removed = sites.map(({ name, data, error }) => ({ name, data: keep ? data : null, error }));
    if (values['json'] === true) context.stdout.write(`${JSON.stringify({ sites: removed })}\n`);
    else for (const site of removed) context.stdout.write(line(site));
    for (const { name, error } of removed) if (error) context.stderr.write(`wakesock: ${name}: ${printable(error.message)} (${error.code})\n`);
    return removed.some(({ error }) => error !== null) ? 1 : 0;
  },
};

function line({ name, data, error }: Pick<DisabledSite, 'name' | 'data' | 'error'>): string {
  return error ? '' : `${name}  removed${data === null ? '' : `; files of its program stay in ${data}`}\n`;
}

/** Nothing of it runs any more, so nothing is mounted there. */
function removeData(paths: Paths, name: string): void {
  for (const path of [preparedDir(paths, name), `${paths.stateDir}/history/${name}.json`, `${paths.stateDir}/shuts-listener/${name}`]) rmSync(path, { recursive: true, force: true });
}
