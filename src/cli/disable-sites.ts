import { existsSync, rmSync } from 'node:fs';
import { describeError } from '../base/errors.ts';
import { enabledRecord, type Paths } from '../base/paths.ts';
import type { Manager } from '../systemd/manager.ts';
import { frontServiceUnitName, scopeName, serviceUnitName, socketUnitName } from '../systemd/unit-names.ts';
import { isPrepared, removePrepared } from './remove-prepared.ts';
import { serviceInFile } from './socket-unit.ts';
import { stopSites } from './stop-sites.ts';
import { isOurs, removeOurs } from './written-files.ts';

export interface DisableParts {
  readonly paths: Paths;
  readonly unitDir: string;
  readonly manager: Manager;
  /** Asks the activator to stop a site in its own, gentler way. */
  readonly sleep: (name: string) => Promise<unknown>;
}

export interface DisabledSite {
  readonly name: string;
  /** False: there was nothing to undo. */
  readonly wasEnabled: boolean;
  /** Where files that its program wrote stay; null: nowhere of ours. */
  readonly data: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The other way round: sockets closed, sites stopped, what `enable` wrote removed. The site's files and data stay. */
export async function disableSites(names: readonly string[], { paths, unitDir, manager, sleep }: DisableParts): Promise<DisabledSite[]> {
  const enabled = names.filter((name) => wasEnabled(name, paths, unitDir));
  const units = enabled.map(socketUnitName).filter((unit) => isOurs(`${unitDir}/${unit}`));
  const relayed = units.some((unit) => serviceInFile(`${unitDir}/${unit}`) === frontServiceUnitName);
  await Promise.all(units.map((unit) => manager.stopUnit(unit)));
  if (units.length > 0) await manager.disableUnitFiles(units);
  for (const unit of units) removeOurs(`${unitDir}/${unit}`);
  if (units.length > 0) await manager.reload();

  await stopSites(enabled, manager, sleep);
  // It still holds copies of the sockets: started again, it no longer does. If that fails it holds none, too.
  if (enabled.length > 0) await manager.tryRestartUnit(serviceUnitName).catch(() => {});
  if (relayed) await manager.tryRestartUnit(frontServiceUnitName).catch(() => {});
  return Promise.all(names.map(async (name): Promise<DisabledSite> => {
    if (!enabled.includes(name)) return { name, wasEnabled: false, data: null, error: null };
    try {
      await manager.stopUnit(scopeName(name));
      rmSync(enabledRecord(paths, name), { force: true });
      return { name, wasEnabled: true, data: removePrepared(paths, name), error: null };
    } catch (error) {
      return { name, wasEnabled: true, data: null, error: describeError(error) };
    }
  }));
}

function wasEnabled(name: string, paths: Paths, unitDir: string): boolean {
  return isOurs(`${unitDir}/${socketUnitName(name)}`) || isPrepared(paths, name) || existsSync(enabledRecord(paths, name));
}
