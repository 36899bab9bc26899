/** Putting crun into the site's scope, however long the bus is away. */
import { setTimeout as delay } from 'node:timers/promises';
import { WakesockError } from '../base/errors.ts';
import type { NetworkService, Site } from '../base/site.ts';
import { isInScope } from '../runtime/cgroup.ts';
import type { Manager } from '../systemd/manager.ts';
import { networkServiceName, scopeName, sliceUnitName } from '../systemd/unit-names.ts';

/** A bus that is restarted is back after this or twice this; nothing announces it. */
const BUS_RETRY_MS = 100;

/**
 * While the bus is away crun waits at its gate and the client in the backlog, until `signal` ends it.
 *
 * @param hindered called with the reason of each failure, and with null once the process is in its scope
 */
export async function startScope(manager: Manager, site: Site, network: NetworkService | null, pid: number, signal: AbortSignal, hindered: (error: WakesockError | null) => void): Promise<void> {
  const name = scopeName(site.name);
  for (let tries = 0; ; tries += 1) {
    try {
      await manager.startScope({
        name, description: site.description, slice: sliceUnitName, pids: [pid], properties: site.resources, stopTimeoutMs: site.stopTimeoutMs,
        network: network && { name: networkServiceName(site.name), service: network },
      });
      break;
    } catch (error) {
      // Only its answer was lost with the bus.
      if (tries > 0 && isInScope(pid, name)) break;
      if (!(error instanceof WakesockError) || error.code !== 'ERR_WAKESOCK_BUS') throw error;
      hindered(error);
      await delay(BUS_RETRY_MS, undefined, { signal });
    }
  }
  hindered(null);
}
