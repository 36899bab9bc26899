/** One site at run time, whatever runs it: a container of ours, or a unit of systemd. */
import type { LeaseAsked, LeaseGrant } from '../control/backend.ts';
import type { SiteStatus } from '../control/types.ts';

export interface Runner {
  readonly name: string;
  /** Nothing to do, nothing to wait for: not even the end of a back-off. */
  readonly quiet: boolean;
  /** In the middle of something that a new activator would have to begin again. */
  readonly busy: boolean;
  /** Clients wait where systemd does not see them. */
  readonly holds: boolean;
  /** Milliseconds until a failed site may be tried again; 0 where it may. */
  readonly backoffLeftMs: number;
  /** At once, also within the back-off of a failed start. Resolves when the site is awake; @throws WakesockError why it is not */
  wake(by: string): Promise<void>;
  /** Resolves when the wake that is under way, or is about to be, has ended, well or not; at once where it is awake. */
  nextWake(): Promise<void>;
  /** Resolves when the site is dormant. @throws WakesockError ERR_WAKESOCK_BUSY */
  sleep(force: boolean): Promise<void>;
  /** Keeps the site awake until it is released. */
  lease(asked: LeaseAsked): LeaseGrant | Promise<LeaseGrant>;
  /** What failed before counts no more. */
  resetFailed(): void;
  status(): SiteStatus;
  /** The activator ends: nothing is begun any more. */
  retire(successor: boolean): void;
}
