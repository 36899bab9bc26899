import { startTimeoutMsDefault } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { ControlClient, Lease } from '../control/client.ts';
import type { OwnAnswer } from './answer.ts';
import { Refusal } from './refusal.ts';
import type { RelayedSite } from './route-source.ts';
import type { RouteTable } from './route-table.ts';
import { SitePool } from './site-pool.ts';
import type { Sweep } from './sweep.ts';

/** Asked in vain, it is answered without the reason. */
const explainMsMax = 2_000;

/** Host name → the pool of its site, made when it is first asked for and gone soon after the last request. */
export class Sites {
  readonly #pools = new Map<string, SitePool>();
  readonly #table: () => RouteTable;
  readonly #relayed: (site: string) => RelayedSite | null;
  readonly #control: ControlClient;
  readonly #sweep: Sweep;
  readonly #log: Log;

  /** @param relayed of the sites that are, what their files say */
  constructor(table: () => RouteTable, relayed: (site: string) => RelayedSite | null, control: ControlClient, sweep: Sweep, log: Log) {
    this.#table = table;
    this.#relayed = relayed;
    this.#control = control;
    this.#sweep = sweep;
    this.#log = log;
  }

  /** @throws Refusal 404: nothing is started for a name that nobody has */
  route(host: string): SitePool {
    const name = this.#table().find(host);
    if (name === null) throw new Refusal(404, 'There is no site of this name');
    return this.#pools.get(name) ?? this.#open(name);
  }

  /** Null: no relayed site has this name. */
  relay(name: string): SitePool | null {
    return this.#relayed(name) === null ? null : this.#pools.get(name) ?? this.#open(name);
  }

  #open(name: string): SitePool {
    const relayed = this.#relayed(name);
    const pool = new SitePool({
      name, sweep: this.#sweep, waitMs: relayed?.startTimeoutMs ?? startTimeoutMsDefault, patienceMs: relayed?.startTimeoutMs ?? null,
      lease: relayed?.unit === null ? () => Promise.resolve(alwaysThere(relayed)) : () => this.#control.lease(name),
      explain: () => this.#explain(name),
      onUnreachable: ({ message }) => this.#log.warn(`Nobody listened at Target= of ${name} in time: ${message}`, { site: name }),
      onQuiet: () => this.#pools.delete(name),
    });
    this.#pools.set(name, pool);
    return pool;
  }

  /** The code only: the message speaks of files and programs, which are nobody's business out there. */
  async #explain(name: string): Promise<OwnAnswer | null> {
    let timer: NodeJS.Timeout | undefined;
    const longEnough = new Promise<null>((resolve) => { timer = setTimeout(() => resolve(null), explainMsMax); });
    try {
      const status = await Promise.race([this.#control.site(name), longEnough]);
      return status?.error == null ? null : { status: 502, message: `This site could not be started (${status.error.code})` };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What serves it is no affair of the activator: nobody need be asked. */
function alwaysThere({ target }: RelayedSite): Lease {
  const address = target.family === 'unix' ? target.path : target.text;
  return { address: { family: target.family, address }, ended: new Promise(() => {}), release: () => {} };
}
