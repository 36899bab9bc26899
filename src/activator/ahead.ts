/**
 * What others do for every cold start, asked for before our own code is loaded: the bus lets us in, and the kernel's grace
 * period passes meanwhile.
 */
import { GracePeriod } from '../runtime/grace-period.ts';
import { createManager, type Manager } from '../systemd/manager.ts';

export interface Ahead {
  readonly manager: Manager;
  readonly gracePeriod: GracePeriod;
  /** Resolves when we are told to end. */
  readonly told: Promise<void>;
}

export function beginAhead(): Ahead {
  const told = toldToEnd();
  const gracePeriod = new GracePeriod();
  gracePeriod.begin();
  const manager = createManager();
  // Who needs it connects again, and says so.
  manager.connect().catch(() => {});
  return { manager, gracePeriod, told };
}

/**
 * Whoever is told once more, or before all is loaded, must not just end: what a stop of a site holds back, or has frozen,
 * would stay so.
 */
function toldToEnd(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
}
