/** Putting crun into the site's scope, however long the bus is away. */
import type { WakesockError } from '../base/errors.ts';
import type { NetworkService, Site } from '../base/site.ts';
import { isInScope } from '../runtime/cgroup.ts';
import type { Manager } from '../systemd/manager.ts';
import { onBus } from '../systemd/on-bus.ts';
import { networkServiceName, scopeName, sliceUnitName } from '../systemd/unit-names.ts';

/**
 * While the bus is away crun waits at its gate and the client in the backlog, until `signal` ends it.
 *
 * @param hindered called with the reason of each failure, and with null once the process is in its scope
 */
export async function startScope(manager: Manager, site: Site, network: NetworkService | null, pid: number, signal: AbortSignal, hindered: (error: WakesockError | null) => void): Promise<void> {
  const name = scopeName(site.name);
  let wasAway = false;
  await onBus(signal, async () => {
    try {
      await manager.startScope({
        name, description: site.description, slice: sliceUnitName, pids: [pid], properties: site.resources, stopTimeoutMs: site.stopTimeoutMs,
        network: network && { name: networkServiceName(site.name), service: network },
      });
    } catch (error) {
      // Only its answer was lost with the bus.
      if (!wasAway || !isInScope(pid, name)) throw error;
    }
  }, (error) => {
    wasAway = true;
    hindered(error);
  });
  hindered(null);
}
