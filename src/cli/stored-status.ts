import { readFileSync } from 'node:fs';
import type { ErrorCode } from '../base/errors.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import type { PreparedSite, Site } from '../base/site.ts';
import type { SiteHistory, SiteState, SiteStatus } from '../control/types.ts';
import { scopeFigures, type ScopeFigures } from './scope-figures.ts';

type StatusError = NonNullable<SiteStatus['error']>;

/**
 * A site's status from what lies on disk and in cgroupfs, for when no activator runs: the prepared site if it was
 * enabled (that is what would be woken), else what its file says.
 * @param load reads the site file; called only where no prepared site is there
 */
export async function storedStatus(
  name: string, paths: Paths,
  { load, slice }: { load: () => Promise<Site>; slice?: string },
): Promise<SiteStatus> {
  const prepared = readJson<PreparedSite>(`${preparedDir(paths, name)}/site.json`);
  const history = readJson<SiteHistory>(`${paths.stateDir}/history/${name}.json`);
  const scope = scopeFigures(name, slice);
  let site = prepared.value?.site;
  let error = prepared.error ?? history.error;
  if (site === undefined) {
    error ??= { code: 'ERR_WAKESOCK_NOT_ENABLED' satisfies ErrorCode, message: 'No client can wake it: it has not been enabled' };
    try {
      site = await load();
    } catch (problem) {
      error = describe(problem);
    }
  }
  const state = stateOf(history.value, scope);
  return {
    name,
    state,
    handoff: site?.handoff ?? 'adopt',
    listen: site?.listen.map(({ text }) => text) ?? [],
    hosts: site?.hosts ?? [],
    unit: prepared.value === null ? null : `wakesock-site-${name}.socket`,
    // A state that ended while nobody looked (a reboot, a kill) ended at a time that nobody knows.
    since: history.value?.state === state ? history.value.since : null,
    wakes: history.value?.wakes ?? 0,
    connections: null,
    memoryBytes: scope?.memoryBytes ?? null,
    cpuUsec: scope?.cpuUsec ?? null,
    lastWake: history.value?.lastWake ?? null,
    error: error ?? (state === 'failed' ? history.value?.error ?? null : null),
  };
}

/** Nobody is waking or draining a site without an activator: its processes are there or they are not. */
function stateOf(history: SiteHistory | null, scope: ScopeFigures | null): SiteState {
  if (scope !== null) return scope.frozen ? 'frozen' : 'awake';
  return history?.state === 'failed' ? 'failed' : 'dormant';
}

function readJson<T>(path: string): { value: T | null; error: StatusError | null } {
  try {
    return { value: JSON.parse(readFileSync(path, 'utf8')) as T, error: null };
  } catch (problem) {
    const { code } = problem as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { value: null, error: null };
    return { value: null, error: { code: 'ERR_WAKESOCK_STATE_DIR', message: `${path} cannot be read: ${(problem as Error).message}` } };
  }
}

function describe(problem: unknown): StatusError {
  const { code = 'ERR_WAKESOCK_INTERNAL', message } = problem as Error & { code?: string };
  return { code, message };
}
