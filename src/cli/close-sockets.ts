import type { Manager } from '../systemd/manager.ts';
import { frontServiceUnitName, serviceUnitName, socketUnitName } from '../systemd/unit-names.ts';
import { serviceInFile } from './socket-unit.ts';
import { stopSites } from './stop-sites.ts';
import { isOurs, removeOurs, syncLinks } from './written-files.ts';

export interface CloseParts {
  readonly unitDir: string;
  readonly manager: Manager;
  /** Asks the activator to stop a site in its own, gentler way. */
  readonly sleep: (name: string) => Promise<unknown>;
}

/** Whether `enable` wrote a socket unit of the site. */
export function hasSocketUnit(name: string, unitDir: string): boolean {
  return isOurs(`${unitDir}/${socketUnitName(name)}`);
}

/** Removes the socket units that `enable` wrote of these sites, and stops them, whoever is connected. */
export async function closeSockets(names: readonly string[], { unitDir, manager, sleep }: CloseParts): Promise<void> {
  const units = names.filter((name) => hasSocketUnit(name, unitDir)).map(socketUnitName);
  const relayed = units.some((unit) => serviceInFile(`${unitDir}/${unit}`) === frontServiceUnitName);
  await Promise.all(units.map((unit) => manager.stopUnit(unit)));
  if (units.length > 0) {
    await manager.disableUnitFiles(units);
    syncLinks(unitDir);
  }
  for (const unit of units) removeOurs(`${unitDir}/${unit}`);
  if (units.length > 0) await manager.reload();
  await stopSites(names, manager, sleep);
  // Both still hold copies of the sockets: started again, they no longer do. If that fails they hold none, too.
  if (names.length > 0) await manager.tryRestartUnit(serviceUnitName).catch(() => {});
  if (relayed) await manager.tryRestartUnit(frontServiceUnitName).catch(() => {});
}
