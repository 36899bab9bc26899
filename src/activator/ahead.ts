/**
 * What others do for every cold start, asked for before our own code is loaded: the bus lets us in, and the kernel's grace
 * period passes meanwhile.
 */
import { GracePeriod } from '../runtime/grace-period.ts';
import { createManager, type Manager } from '../systemd/manager.ts';

export interface Ahead {
  readonly manager: Manager;
  readonly gracePeriod: GracePeriod;
}

export function beginAhead(): Ahead {
  const gracePeriod = new GracePeriod();
  gracePeriod.begin();
  const manager = createManager();
  // Who needs it connects again, and says so.
  manager.connect().catch(() => {});
  return { manager, gracePeriod };
}
