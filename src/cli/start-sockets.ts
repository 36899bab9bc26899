import { describeError, WakesockError } from '../base/errors.ts';
import type { Manager } from '../systemd/manager.ts';
import { serviceUnitName } from '../systemd/unit-names.ts';

/** Rounds in a row that started none, because the service was up again before the first of them. */
const vainRoundsMax = 3;

/**
 * Starts socket units of wakesock.service, which systemd refuses while the service runs. So the service is restarted, and
 * since a service is ordered after its sockets, systemd itself does it in this order: service stopped, sockets
 * started, service started. Sites stay awake and the fd store is kept (a clean stop would empty it).
 * @returns those that could not be started, with the reason
 */
export async function startSockets(manager: Manager, names: readonly string[]): Promise<Map<string, WakesockError>> {
  const failures = new Map<string, WakesockError>();
  let left = [...names];
  for (let vain = 0; left.length > 0 && vain < vainRoundsMax;) {
    await manager.waitUnitState(serviceUnitName, (state) => state !== 'deactivating');
    const { ActiveState: service } = await manager.getUnitProperties(serviceUnitName, 'Unit', ['ActiveState']);
    // Not waited for: the jobs of the sockets must stand beside it.
    if (service !== 'inactive' && service !== 'failed') manager.tryRestartUnit(serviceUnitName).catch(() => {});
    const results = await Promise.all(left.map(async (name) => ({ name, failure: await startSocket(manager, name) })));
    const before = left.length;
    left = [];
    for (const { name, failure } of results) {
      if (failure === 'refused') left.push(name);
      else if (failure) failures.set(name, failure);
    }
    vain = left.length < before ? 0 : vain + 1;
  }
  for (const name of left) {
    failures.set(name, new WakesockError('ERR_WAKESOCK_SYSTEMD',
      `${name} could not be started: ${serviceUnitName} came back ${vainRoundsMax} times before its socket was there`));
  }
  return failures;
}

async function startSocket(manager: Manager, name: string): Promise<WakesockError | 'refused' | null> {
  try {
    await manager.startUnit(name);
    return null;
  } catch (error) {
    if (!(error instanceof WakesockError) || error.code !== 'ERR_WAKESOCK_SYSTEMD') throw error;
    const [{ ActiveState: state }, { Result: result }] = await Promise.all([
      manager.getUnitProperties(name, 'Unit', ['ActiveState']), manager.getUnitProperties(name, 'Socket', ['Result']),
    ]);
    // Refused because of the service it stays as it was; only a real failure marks it.
    if (state !== 'failed' && result === 'success' && !hasErrorName(error)) return 'refused';
    const why = result === 'resources' ? 'its address could not be opened; is it in use?' : `systemd says "${String(result)}": ${describeError(error).message}.`;
    return new WakesockError('ERR_WAKESOCK_SYSTEMD', `${name} could not be started: ${why} See: journalctl -u ${name}`, { cause: error });
  }
}

/** An answer and not a job's result: no such unit, masked, … */
function hasErrorName(error: WakesockError): boolean {
  return error.cause !== undefined;
}
