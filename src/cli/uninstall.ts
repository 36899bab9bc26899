import { rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { namesIn } from '../runtime/names-in.ts';
import type { Manager } from '../systemd/manager.ts';
import { autoUpdateServiceName, autoUpdateTimerName, controlSocketUnitName, frontServiceUnitName, frontSocketUnitName, relayServicePattern, relaySliceName, scopePattern, serviceUnitName, siteOfUnit, sliceUnitName, socketsSliceUnitName } from '../systemd/unit-names.ts';
import { removeIfEmpty, removePrepared } from './remove-prepared.ts';
import { requireRoot, systemUnitDir } from './system.ts';
import { installedPaths } from './unit-templates.ts';
import type { Verb, VerbContext } from './verb.ts';
import { isOurs, removeOurs } from './written-files.ts';

export const verb: Verb = {
  name: 'uninstall',
  summary: 'Stops every site and removes what `install` and `enable` wrote.',
  usage: 'wakesock uninstall [OPTION…]',
  options: [
    ['--prefix=DIR', 'Another root directory, such as an image\'s: files only, nothing is stopped.'],
    ['--dry-run', 'Say what would be done, and do nothing.'],
    ['--json', 'Print {"removed":[…]}: paths.'],
  ],
  details: `
Site files, what the sites' programs wrote, the wake history and the groups wakesock and wakesock-lease stay; so do units that wakesock did not write.`,
  parse: { prefix: { type: 'string' }, 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } },
  async run(context, values, positionals) {
    if (positionals[0] !== undefined) throw new WakesockError('ERR_WAKESOCK_USAGE', `uninstall takes no sites, got ${positionals[0]}; for a single one: wakesock disable ${positionals[0]}`);
    const dryRun = values['dry-run'] === true;
    const prefix = typeof values['prefix'] === 'string' ? resolve(values['prefix']) : '';
    const files = ourFiles(prefix);
    if (!dryRun && prefix === '') {
      requireRoot('uninstall');
      await uninstallHere(context.paths, files);
    } else if (!dryRun) {
      for (const unit of [controlSocketUnitName, frontSocketUnitName]) rmSync(`${prefix}${systemUnitDir}/sockets.target.wants/${unit}`, { force: true });
      rmSync(`${prefix}${systemUnitDir}/timers.target.wants/${autoUpdateTimerName}`, { force: true });
      for (const file of files) removeOurs(file);
    }
    if (values['json'] === true) context.stdout.write(`${JSON.stringify({ removed: files })}\n`);
    else report(context, files, dryRun);
    return 0;
  },
};

function report({ stdout }: VerbContext, files: readonly string[], dryRun: boolean): void {
  if (files.length === 0) stdout.write('Nothing of wakesock is installed\n');
  for (const file of files) stdout.write(`${dryRun ? 'would remove' : 'removed'}  ${file}\n`);
}

function ourFiles(prefix: string): string[] {
  const sockets = namesIn(`${prefix}${systemUnitDir}`)
    .filter((name) => name.endsWith('.socket') && siteOfUnit(name) !== null)
    .map((name) => `${systemUnitDir}/${name}`);
  return [...sockets, ...installedPaths].map((path) => `${prefix}${path}`).filter(isOurs);
}

async function uninstallHere(paths: Paths, files: readonly string[]): Promise<void> {
  const { createManager } = await import('../systemd/manager.ts');
  const manager = createManager();
  try {
    // These first: nothing may wake a site again, nor the activator.
    const triggers = files.flatMap((file) => (/\.(?:socket|timer)$/.test(file) ? file.slice(file.lastIndexOf('/') + 1) : []));
    await Promise.all(triggers.map((unit) => manager.stopUnit(unit)));
    await manager.stopUnit(autoUpdateServiceName);
    await manager.stopUnit(frontServiceUnitName);
    await stopAll(manager, relayServicePattern);
    await manager.stopUnit(serviceUnitName);
    await stopAll(manager, scopePattern);
    for (const slice of [sliceUnitName, socketsSliceUnitName, relaySliceName]) await manager.stopUnit(slice);
    if (triggers.length > 0) await manager.disableUnitFiles(triggers);
    for (const file of files) removeOurs(file);
    await manager.reload();
  } finally {
    manager.close();
  }
  removeState(paths);
}

/** CacheDirectory= of the services: what V8 compiled, and what sites answered. The front door's is a link, as of everything with DynamicUser=. */
const cacheDirs = ['/var/cache/wakesock', '/var/cache/wakesock-front', '/var/cache/private/wakesock-front'];

/** What `enable` and the activator wrote. History, and files that programs wrote, stay. */
function removeState(paths: Paths): void {
  for (const name of namesIn(`${paths.stateDir}/sites`)) removePrepared(paths, name);
  for (const directory of ['instances', 'host-etc', 'networks', 'ids', 'ids.lock', 'root']) rmSync(`${paths.stateDir}/${directory}`, { recursive: true, force: true });
  for (const directory of cacheDirs) rmSync(directory, { recursive: true, force: true });
  const siteDir = paths.siteDirs[0] ?? '';
  for (const directory of [`${paths.stateDir}/sites`, paths.stateDir, siteDir, dirname(siteDir)]) removeIfEmpty(directory);
}

async function stopAll(manager: Manager, pattern: string): Promise<void> {
  const units = await manager.listUnits([pattern]);
  await Promise.all(units.map(({ name }) => manager.stopUnit(name)));
}
