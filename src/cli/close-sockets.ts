import type { Manager } from '../systemd/manager.ts';
import { serviceUnitName, siteOfRelay, socketUnitName } from '../systemd/unit-names.ts';
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

/**
 * Services that hold a socket which is not theirs any more: a relay has no other, and ends; all others have, and are started again, with those. If that
 * fails they hold none, too.
 */
export async function letGo(services: readonly string[], manager: Manager): Promise<void> {
  await Promise.all(services.map((service) => (siteOfRelay(service) === null ? manager.tryRestartUnit(service).catch(() => {}) : manager.stopUnit(service))));
}

/** Removes the socket units that `enable` wrote of these sites, and stops them, whoever is connected. */
export async function closeSockets(names: readonly string[], { unitDir, manager, sleep }: CloseParts): Promise<void> {
  const units = names.filter((name) => hasSocketUnit(name, unitDir)).map(socketUnitName);
  const services = [...new Set(units.flatMap((unit) => serviceInFile(`${unitDir}/${unit}`) ?? []))];
  await Promise.all(units.map((unit) => manager.stopUnit(unit)));
  if (units.length > 0) {
    await manager.disableUnitFiles(units);
    syncLinks(unitDir);
  }
  for (const unit of units) removeOurs(`${unitDir}/${unit}`);
  if (units.length > 0) await manager.reload();
  await stopSites(names, manager, sleep);
  // They still hold copies of the sockets.
  if (names.length > 0) await manager.tryRestartUnit(serviceUnitName).catch(() => {});
  await letGo(services.filter((service) => service !== serviceUnitName), manager);
}
