import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Lease, LeaseClient } from '../control/client.ts';
import type { StoredState } from '../control/stored-state.ts';
import type { LeaseAddress, SiteStateReport } from '../control/types.ts';
import type { FrontKeys, RelayedSite } from '../site/front-keys.ts';
import type { OwnAnswer } from './answer.ts';
import type { AnswerStore } from './answer-store.ts';
import type { FrontFiles } from './front-files.ts';
import { Refusal } from './refusal.ts';
import type { RouteTable } from './route-table.ts';
import { SiteAnswers } from './site-answers.ts';
import { SitePool } from './site-pool.ts';
import type { Sweep } from './sweep.ts';

/** Asked in vain, it is answered without the reason. */
const explainMsMax = 2_000;

export interface SitesParts {
  readonly table: () => RouteTable;
  /** What the site's file says, as it was read last. */
  readonly keys: (name: string) => FrontKeys;
  readonly hasRules: (name: string) => boolean;
  readonly address: (name: string) => LeaseAddress | null;
  readonly state: (name: string) => StoredState;
  /** Null: of a site that is not relayed. */
  readonly relayed: (name: string) => RelayedSite | null;
  readonly activator: LeaseClient;
  readonly files: FrontFiles;
  readonly answers: AnswerStore;
  /** Tells a prepared site from one that was prepared later; null: it is not prepared. */
  readonly edition: (name: string) => string | null;
  readonly sweep: Sweep;
  readonly log: Log;
}

/** Host name → the pool of its site, made when it is first asked for and gone soon after the last request. */
export class Sites {
  readonly #pools = new Map<string, SitePool>();
  readonly #parts: SitesParts;

  constructor(parts: SitesParts) {
    this.#parts = parts;
  }

  /** @throws Refusal 404: nothing is started for a name that nobody has */
  route(host: string): SitePool {
    const name = this.#parts.table().find(host);
    if (name === null) throw new Refusal(404, 'There is no site of this name');
    return this.#pools.get(name) ?? this.#open(name);
  }

  /** Null: no relayed site has this name. */
  relay(name: string): SitePool | null {
    return this.#parts.relayed(name) === null ? null : this.#pools.get(name) ?? this.#open(name);
  }

  #open(name: string): SitePool {
    const { sweep, files, answers, edition, keys, hasRules, address, state, activator, relayed: relayedOf, log } = this.#parts;
    const relayed = relayedOf(name);
    const always = relayed?.unit === null ? alwaysThere(relayed) : null;
    const pool = new SitePool({
      name, sweep, files, answers: new SiteAnswers(answers, name, () => edition(name)),
      keys: () => keys(name),
      hasRules: () => hasRules(name),
      address: () => (relayed === null ? address(name) : null),
      state: () => (always === null ? state(name) : awake),
      patienceMs: relayed === null ? null : keys(name).startTimeoutMs,
      lease: (cause) => (always === null ? activator.lease(name, { by: 'front', cause }) : Promise.resolve(always)),
      onNotReached: (error) => log.error(`${name} cannot be woken: the activator cannot be asked`, { site: name, ...describeError(error) }),
      explain: () => this.#explain(name),
      onUnreachable: ({ message }) => log.warn(`Nobody listened at Target= of ${name} in time: ${message}`, { site: name }),
      onQuiet: () => this.#pools.delete(name),
    });
    this.#pools.set(name, pool);
    return pool;
  }

  async #explain(name: string): Promise<OwnAnswer | null> {
    let timer: NodeJS.Timeout | undefined;
    const longEnough = new Promise<null>((resolve) => { timer = setTimeout(() => resolve(null), explainMsMax); });
    try {
      const status = await Promise.race([this.#parts.activator.state(name), longEnough]);
      return status?.error == null ? null : failedAnswer(status.error);
    } finally {
      clearTimeout(timer);
    }
  }
}

const awake: StoredState = { state: 'awake', error: null, wokenAtMs: [] };

/** What serves it is no affair of the activator: nobody need be asked. */
function alwaysThere({ target }: RelayedSite): Lease {
  const address = target.family === 'unix' ? target.path : target.text;
  return { address: { family: target.family, address }, ended: new Promise(() => {}), release: () => {} };
}

function failedAnswer({ code, retryAt }: NonNullable<SiteStateReport['error']>): OwnAnswer {
  return {
    status: 502, message: 'This site could not be started', code,
    ...(retryAt === undefined ? {} : { retryAfterMs: Math.max(0, Date.parse(retryAt) - Date.now()) }),
  };
}
