/** What every site runner shares. */
import type { WakesockError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Paths } from '../base/paths.ts';
import type { PreparedSite } from '../base/site.ts';
import type { CameAndWent } from '../idle/came-and-went.ts';
import type { Crun } from '../runtime/crun.ts';
import type { GracePeriod } from '../runtime/grace-period.ts';
import type { SliceOomKills } from '../runtime/oom-kills.ts';
import type { LineSink } from '../runtime/output.ts';
import type { Poller } from '../sockets/poller.ts';
import type { StoredSpares } from '../sockets/site-sockets.ts';
import type { Manager } from '../systemd/manager.ts';

export interface RunnerParts {
  readonly paths: Paths;
  readonly poller: Poller;
  readonly crun: Crun;
  /** Null where there is no systemd: no scopes, no cgroups. */
  readonly manager: Manager | null;
  /** Null as above. */
  readonly gracePeriod: GracePeriod | null;
  /** The cgroup directory of wakesock.slice; null as above. */
  readonly sliceDir: string | null;
  /** Null as above. */
  readonly oomKills: SliceOomKills | null;
  readonly cameAndWent: CameAndWent;
  readonly fdStore: FdStore;
  readonly log: Log;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Where the output of a site goes. */
  readonly lines: (site: string, pid: () => number | null) => LineSink;
  /** The prepared site, rendered again if its files have changed. @throws WakesockError */
  readonly prepared: (site: string) => Promise<PreparedSite>;
  /** The prepared site as it is. @throws WakesockError */
  readonly preparedNow: (site: string) => PreparedSite;
  /** Renders the bundle again, in its own time. */
  readonly prepareAgain: (site: string) => void;
  /** Renders the bundle again and says what is wrong with it: a root or program that has gone since. Null: nothing. */
  readonly whyNot: (site: string) => Promise<WakesockError | null>;
  /** Something happened that may let the activator end. */
  readonly changed: () => void;
}

/** systemd keeps descriptors for the next activator (sd_pid_notify_with_fds(3)). */
export interface FdStore {
  keep(name: string, fds: readonly number[]): void;
  drop(name: string): void;
}

/** What the store kept of a site. */
export interface StoredFds {
  readonly notify: number | null;
  readonly stdout: number | null;
  readonly stderr: number | null;
  /** Clients may wait on them, whatever became of the container: they are the sockets'. */
  readonly spares: StoredSpares;
  /** All but the spares. */
  closeContainer(): void;
}
