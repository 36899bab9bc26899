/** What the disk says of a site: asking the activator would start it, and a monitor that asks every minute would keep it there. */
import { readFileSync, statSync } from 'node:fs';
import { runtimeSiteDir, type Paths } from '../base/paths.ts';
import type { SiteHistory, SiteState } from './types.ts';

export interface StoredState {
  readonly state: SiteState;
  readonly error: SiteHistory['error'];
  /** When it was woken last, the newest last; milliseconds since the epoch. */
  readonly wokenAtMs: readonly number[];
}

/** Needs no privileges. A state is true a millisecond or two after it has begun. */
export function storedState(paths: Paths, name: string): StoredState {
  const history = readHistory(paths, name);
  const wokenAtMs = (history?.wokenAt ?? []).map((at) => Date.parse(at));
  // It is there from the beginning of a wake until all is cleared away; waking is not noted, since nobody's wake is to wait for that.
  const running = statSync(runtimeSiteDir(paths, name), { throwIfNoEntry: false }) !== undefined;
  if (!running) return history?.state === 'failed' ? { state: 'failed', error: history.error, wokenAtMs } : { state: 'dormant', error: null, wokenAtMs };
  const state = history?.state === 'awake' || history?.state === 'draining' ? history.state : 'waking';
  return { state, error: null, wokenAtMs };
}

/** Null: never woken, or cut off by a power failure. */
function readHistory(paths: Paths, name: string): SiteHistory | null {
  try {
    const history = JSON.parse(readFileSync(`${paths.stateDir}/history/${name}.json`, 'utf8')) as SiteHistory | null;
    return history?.version === 1 ? history : null;
  } catch {
    return null;
  }
}
