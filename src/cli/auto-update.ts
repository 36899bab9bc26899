import { existsSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import { assertSiteName } from '../site/site-name.ts';
import { requireRoot } from './system.ts';
import { printable } from './terminal.ts';
import type { UpdatedSite, UpdatingSite } from './update-images.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  name: 'auto-update',
  summary: 'Brings sites with `AutoUpdate=` to the newest version of their images, as `podman auto-update` does containers.',
  usage: 'wakesock auto-update [OPTION…] [SITE…]',
  options: [
    ['--no-rollback', 'Leave the name to a new version that does not do. Without, it goes back to the version before.'],
    ['--json', 'Print {"sites":[{"name","image","policy","updated","error"}]}; updated is "true", "false", "failed" or "rolled back".'],
  ],
  details: `
Of all enabled sites that have AutoUpdate=, or of these. registry: the image is pulled; local: what podman's storage has under
the name is taken. A site whose image has changed is prepared with it: its next wake has it, and one that is awake keeps what it
runs on until it sleeps, so that nobody is cut off. If the new version does not do (its program or its user is missing, it is for
another machine), the name is given back to the version before; who wakes a site until that is known gets the version before, too.
Whether its program starts, only a wake says: check --boot.

wakesock-auto-update.timer runs this once a day: systemctl enable --now wakesock-auto-update.timer.

Exit code 0: all are up to date. 1: something failed, or was rolled back.`,
  parse: { json: { type: 'boolean' }, 'no-rollback': { type: 'boolean' } },
  async run({ paths, stdout, stderr }, values, positionals) {
    for (const name of positionals) assertSiteName(name);
    requireRoot('auto-update');
    const [{ sitePreparer }, { updateImages }, { imageId, runPodman }, { beginUpdates }] = await Promise.all([
      import('./prepare-sites.ts'), import('./update-images.ts'), import('../image/podman.ts'), import('../image/updating.ts'),
    ]);
    const updates = beginUpdates(paths);
    const updating = await updatingSites(paths, positionals);
    // What a name stands for changes on the way, and each one is asked about once.
    let preparer = sitePreparer(paths, stderr);
    const sites = await updateImages(updating, {
      idOf: imageId,
      pull: (image) => runPodman(['pull', image], stderr),
      tag: (id, image) => {
        preparer = sitePreparer(paths, stderr);
        return runPodman(['tag', id, image]);
      },
      during: updates.during,
      prepare: (name) => preparer.prepare(name),
    }, values['no-rollback'] !== true);
    updates.end();
    await preparer.finish();
    if (values['json'] === true) stdout.write(`${JSON.stringify({ sites })}\n`);
    else for (const line of table(sites)) stdout.write(`${line}\n`);
    for (const { name, error } of sites) if (error) stderr.write(`wakesock: ${name}: ${printable(error.message)} (${error.code})\n`);
    return sites.some(({ error }) => error !== null) ? 1 : 0;
  },
};

/** @throws WakesockError `ERR_WAKESOCK_USAGE` where a site is named that is not to be updated */
async function updatingSites(paths: Paths, named: readonly string[]): Promise<UpdatingSite[]> {
  const [{ listSiteNames, loadSite }, { readPrepared }] = await Promise.all([import('../site/index.ts'), import('../runtime/prepared.ts')]);
  const names = named.length > 0 ? [...new Set(named)] : listSiteNames(paths);
  return names.flatMap((name): UpdatingSite[] => {
    const isEnabled = existsSync(`${preparedDir(paths, name)}/site.json`);
    // Whose file has errors is told by check, status and the next enable; it stays as it is.
    const site = isEnabled || named.length > 0 ? loadSite(paths, name).site : null;
    if (isEnabled && site?.root.kind === 'image' && site.autoUpdate !== null) {
      return [{ name, image: site.root.image, policy: site.autoUpdate, id: readPrepared(paths, name).image?.id ?? null }];
    }
    if (named.length > 0) throw new WakesockError('ERR_WAKESOCK_USAGE', `${name}: expected an enabled site with AutoUpdate=${site === null && isEnabled ? ', found errors in its file: wakesock check' : ', found none'}`);
    return [];
  });
}

/** podman's columns. */
function table(sites: readonly UpdatedSite[]): string[] {
  const rows = [['SITE', 'IMAGE', 'POLICY', 'UPDATED'], ...sites.map(({ name, image, policy, updated }) => [name, image, policy, updated])];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd());
}
