/** What the control socket and `status --json` say (design section 6). */

export type SiteState = 'dormant' | 'waking' | 'awake' | 'draining' | 'frozen' | 'failed';

/** Milliseconds since the socket became readable (or the wake was asked for); `null`: no such step in this wake. */
export interface WakePhases {
  readonly process: number | null;
  readonly scope: number | null;
  readonly go: number | null;
  readonly listen: number | null;
  /** Null also of a wake that failed. */
  readonly total: number | null;
  /** Only of a wake that failed: when it was known to. What it has reached until then is above. */
  readonly failed?: number;
}

/** The request that a wake was for: printable ASCII, {@link causeTextMax} characters each at most. What is not known is empty. */
export interface WakeCause {
  /** When the request came, ISO 8601 in UTC. */
  readonly at: string;
  /** The client's address. */
  readonly client: string;
  readonly method: string;
  readonly host: string;
  /** Without its query, in which secrets stand. */
  readonly path: string;
  /** `User-Agent`. */
  readonly agent: string;
}

export interface LastWake {
  readonly at: string;
  readonly by: string;
  /** Where whoever asked said so. */
  readonly cause?: WakeCause;
  readonly phasesMs: WakePhases;
}

export interface StatusError {
  readonly code: string;
  readonly message: string;
  /** Of a failed site: until then it is not tried again, ISO 8601 in UTC. */
  readonly retryAt?: string;
}

export interface SiteStatus {
  readonly name: string;
  readonly state: SiteState;
  readonly handoff: string;
  readonly listen: readonly string[];
  readonly hosts: readonly string[];
  /** The socket unit that `enable` wrote; null where the sockets are of another unit, or the activator made them itself. */
  readonly unit: string | null;
  /** ISO 8601 UTC time of the last change of state; null if never seen. */
  readonly since: string | null;
  readonly wakes: number;
  /** Established connections; null where not known. */
  readonly connections: number | null;
  readonly memoryBytes: number | null;
  readonly cpuUsec: number | null;
  /** Processes of the site that the kernel killed for want of memory, ever, and when the last; null: none that was seen. */
  readonly oomKills: { readonly count: number; readonly lastAt: string } | null;
  readonly lastWake: LastWake | null;
  /** What is not as its file asks for, found when it was prepared: a key without effect, a missing controller, no user namespace. */
  readonly warnings: readonly string[];
  readonly error: StatusError | null;
}

/** All that is told of a site to whoever serves it to the world: for a site that does not answer, why, without what is anybody's business here. */
export interface SiteStateReport {
  readonly state: SiteState;
  readonly error: Pick<StatusError, 'code' | 'retryAt'> | null;
}

export interface StatusReport {
  readonly activator: { readonly state: 'running' | 'stopped'; readonly pid: number | null };
  readonly sites: readonly SiteStatus[];
}

/** The address to connect to, of a lease. */
export interface LeaseAddress {
  readonly family: 'ipv4' | 'ipv6' | 'unix';
  /** `HOST:PORT`, `[HOST]:PORT` or a path. */
  readonly address: string;
}

/**
 * What survives the activator, one file per site: `stateDir/history/SITE.json`.
 * `status` reads it while nothing of ours runs.
 */
export interface SiteHistory {
  readonly version: 1;
  readonly since: string;
  readonly state: SiteState;
  readonly wakes: number;
  readonly lastWake: SiteStatus['lastWake'];
  /** When each of the last wakes ({@link wokenAtMax}) began, the newest last. */
  readonly wokenAt?: readonly string[];
  /** Not there in what an older version wrote. */
  readonly oomKills?: SiteStatus['oomKills'];
  readonly error: SiteStatus['error'];
}
