/** What an earlier activator left of a site that it had woken. */
import type { Paths } from '../base/paths.ts';
import type { Cgroup } from '../runtime/cgroup.ts';
import type { Crun } from '../runtime/crun.ts';
import { namesIn } from '../runtime/names-in.ts';
import { siteOfUnit } from '../systemd/unit-names.ts';
import type { StoredFds } from './parts.ts';
import { namesNotDormant, processIdentity, type RuntimeState } from './runtime-state.ts';

/** Where an earlier activator leaves something of a site that it did not let sleep. */
export interface LeftPlaces {
  readonly paths: Paths;
  /** The cgroup directory of wakesock.slice; null without systemd. */
  readonly sliceDir: string | null;
  readonly crun: Pick<Crun, 'known'>;
  /** Sites of which the fd store has something. */
  readonly stored: readonly string[];
}

/** Sites of which anything was left, and other names. Read of all at once: to look for each of thousands would take longer than the first wake. */
export function namesLeft({ paths, sliceDir, crun, stored }: LeftPlaces): Set<string> {
  const scopes = sliceDir === null ? [] : namesIn(sliceDir).flatMap((unit) => siteOfUnit(unit) ?? []);
  return new Set([...stored, ...namesNotDormant(paths), ...crun.known(), ...scopes]);
}

export interface LeftBehind {
  readonly state: RuntimeState | null;
  readonly stored: StoredFds;
  readonly cgroup: Cgroup | null;
  /** The program is frozen, and was to be told to end. */
  readonly midStop: boolean;
}

/** @param cgroup where the site's container is, if there is one */
export function leftBehind(state: RuntimeState | null, stored: StoredFds, cgroup: Cgroup | null): LeftBehind {
  // Whoever died while the program was frozen left it so.
  return { state, stored, cgroup: cgroup?.exists ? cgroup : null, midStop: state?.stopping === true && (state.toldMs ?? null) === null && cgroup?.frozen === true };
}

/** The first process of the container, if it can be known and is alive. */
export function survivor({ state, cgroup }: LeftBehind): { readonly pid: number } | null {
  if (!state?.process) {
    const pid = cgroup?.firstProcess() ?? null;
    return pid === null ? null : { pid };
  }
  return processIdentity(state.process.pid)?.startTime === state.process.startTime ? state.process : null;
}
