import { WakesockError } from '../base/errors.ts';
import type { LeaseAddress, SiteStatus, WakeCause } from './types.ts';

/** What the control server needs of the activator. Every call may throw or reject with a WakesockError. */
export interface ControlBackend {
  sites(): Promise<readonly SiteStatus[]>;
  site(name: string): Promise<SiteStatus>;
  /** Also within the back-off of a failed start. Resolves when the site is awake. `by`: who asked, for the wake history. */
  wake(name: string, by: string): Promise<SiteStatus>;
  /** Resolves when the site is dormant. @throws WakesockError ERR_WAKESOCK_BUSY in use, and not `force` */
  sleep(name: string, options: { readonly force: boolean }): Promise<SiteStatus>;
  /** What failed before counts no more: the next client wakes it, however long the back-off would have been. */
  resetFailed(name: string): Promise<SiteStatus>;
  /**
   * Says where to connect to, and begins to wake the site: at once where connections can wait in a socket of the site, else when it is
   * awake. It is in use until `release`, called exactly once.
   */
  lease(name: string, asked: LeaseAsked): Promise<LeaseGrant>;
}

export interface LeaseAsked {
  /** Who asks, as of a wake. */
  readonly by: string;
  /** For whom, where it is known. */
  readonly cause: WakeCause | null;
}

export interface LeaseGrant {
  readonly address: LeaseAddress;
  /** What serves the site has ended, whoever holds this: it must be asked for anew. Absent: the address outlives that. */
  readonly revoked?: Promise<void>;
  release(): void;
}

/** ERR_WAKESOCK_BACKOFF that knows how long is left; the control server says it in `Retry-After`. */
export class BackoffError extends WakesockError {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super('ERR_WAKESOCK_BACKOFF', message);
    this.retryAfterMs = retryAfterMs;
  }
}
