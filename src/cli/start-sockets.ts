import { WakesockError } from '../base/errors.ts';
import type { Manager } from '../systemd/manager.ts';
import { serviceUnitName } from '../systemd/unit-names.ts';

/**
 * No site is woken while sockets are started, at some 3 ms each: systemd forks for each of them, which takes longer the more memory it has
 * (1.8 ms of its processor time with 1,000 sockets, 4 with 10,000).
 */
const socketsPerRestart = 250;
/** Once is enough, unless the service began to stop, or a client started it, just then. */
const roundsMax = 3;

/**
 * Starts socket units of wakesock.service, which systemd refuses while the service runs. So the service is restarted, and
 * since a service is ordered after its sockets, systemd itself does it in this order: service stopped, sockets
 * started, service started. Sites stay awake and the fd store is kept (a clean stop would empty it).
 * @param service whose sockets they are
 * @returns those that could not be started, with the reason
 */
export async function startSockets(manager: Manager, names: readonly string[], service = serviceUnitName): Promise<Map<string, WakesockError>> {
  const failures: [string, WakesockError][] = [];
  for (let from = 0; from < names.length; from += socketsPerRestart) {
    failures.push(...await startSome(manager, names.slice(from, from + socketsPerRestart), service));
  }
  return new Map(failures);
}

async function startSome(manager: Manager, names: readonly string[], service: string): Promise<[string, WakesockError][]> {
  let left = names;
  for (let round = 1; left.length > 0 && round <= roundsMax; round++) {
    await manager.waitUnitState(service, (state) => state !== 'deactivating');
    await manager.startUnits(left, service);
    const states = new Map((await manager.listUnits(left)).map(({ name, activeState }) => [name, activeState]));
    const down = left.filter((name) => states.get(name) !== 'active');
    // Refused because of the service a socket stays as it was; only a failure of its own marks it.
    const refused = down.filter((name) => states.get(name) === 'inactive');
    if (refused.length === 0) return reasons(manager, down, service);
    left = down;
  }
  return reasons(manager, left, service);
}

function reasons(manager: Manager, names: readonly string[], service: string): Promise<[string, WakesockError][]> {
  return Promise.all(names.map(async (name): Promise<[string, WakesockError]> => [name, await reason(manager, name, service)]));
}

async function reason(manager: Manager, name: string, service: string): Promise<WakesockError> {
  const [{ LoadState: load }, { Result: result }] = await Promise.all([
    manager.getUnitProperties(name, 'Unit', ['LoadState']), manager.getUnitProperties(name, 'Socket', ['Result']),
  ]);
  const why = load !== 'loaded' ? `systemd says "${String(load)}".`
    : result === 'resources' ? 'its address could not be opened; is it in use?'
    : result === 'success' ? `${service} was up again each time before its socket was there.`
    : `systemd says "${String(result)}".`;
  return new WakesockError('ERR_WAKESOCK_SYSTEMD', `${name} could not be started: ${why} See: journalctl -u ${name}`);
}
