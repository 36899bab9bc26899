/** What the control socket says of a site that this activator knows. */
import type { PreparedSite } from '../base/site.ts';
import type { SiteHistory, SiteStatus } from '../control/types.ts';
import type { State } from '../lifecycle/lifecycle.ts';
import type { Listener } from '../sockets/listener.ts';
import type { Container } from './container.ts';

export interface StatusParts {
  readonly state: State;
  readonly history: SiteHistory;
  /** Null where it cannot be read. */
  readonly prepared: PreparedSite | null;
  readonly container: Container | null;
  readonly listeners: readonly Listener[];
  readonly unit: string | null;
  readonly established: () => number;
}

export function siteStatus(name: string, { state, history, prepared, container, listeners, unit, established }: StatusParts): SiteStatus {
  return {
    name,
    state: state.name,
    handoff: prepared?.site.handoff ?? 'adopt',
    listen: listeners.map(({ text }) => text),
    hosts: prepared?.site.hosts ?? [],
    unit,
    since: history.wakes === 0 && state.name === 'dormant' ? null : history.since,
    wakes: history.wakes,
    connections: state.name === 'awake' || state.name === 'draining' ? established() : null,
    memoryBytes: container?.cgroup?.memoryBytes() ?? null,
    cpuUsec: container?.cgroup?.cpuUsec() ?? null,
    oomKills: history.oomKills ?? null,
    lastWake: history.lastWake,
    warnings: prepared?.warnings ?? [],
    // The history knows when it is tried again.
    error: state.name === 'failed' ? history.error ?? state.error : null,
  };
}
