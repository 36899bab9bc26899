import type { Manager } from '../systemd/manager.ts';
import { serviceUnitName, socketUnitName } from '../systemd/unit-names.ts';
import { stopSites } from './stop-sites.ts';
import { isOurs, removeOurs } from './written-files.ts';

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
  await Promise.all(units.map((unit) => manager.stopUnit(unit)));
  if (units.length > 0) await manager.disableUnitFiles(units);
  for (const unit of units) removeOurs(`${unitDir}/${unit}`);
  if (units.length > 0) await manager.reload();
  await stopSites(names, manager, sleep);
  // The activator still holds copies of the sockets: started again, it no longer does. If that fails it holds none, too.
  if (names.length > 0) await manager.tryRestartUnit(serviceUnitName).catch(() => {});
}
