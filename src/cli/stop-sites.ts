import type { Manager } from '../systemd/manager.ts';
import { scopeName, serviceUnitName } from '../systemd/unit-names.ts';

/**
 * Stops the containers of sites whose sockets are closed or made anew, whoever is connected. The activator does it in its
 * own, gentler way; what it refuses or cannot do is done by systemd.
 */
export async function stopSites(names: readonly string[], manager: Manager, sleep: (name: string) => Promise<unknown>): Promise<void> {
  if (names.length === 0) return;
  const { ActiveState: service } = await manager.getUnitProperties(serviceUnitName, 'Unit', ['ActiveState']);
  // While it starts its first wakes may last.
  if (service === 'active' || service === 'activating') await Promise.allSettled(names.map(sleep));
  await Promise.allSettled(names.map((name) => manager.stopUnit(scopeName(name))));
}
