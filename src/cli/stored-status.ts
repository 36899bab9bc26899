import { readFileSync } from 'node:fs';
import { describeError, type ErrorCode } from '../base/errors.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import type { PreparedSite, Site } from '../base/site.ts';
import type { SiteHistory, SiteState, SiteStatus } from '../control/types.ts';
import { writtenSocketUnit } from '../systemd/unit-names.ts';
import { scopeFigures, type ScopeFigures } from './scope-figures.ts';

interface StatusError { readonly code: ErrorCode; readonly message: string }

/** What the site's files say, as {@link loadSite} reads them. */
export interface SiteFile {
  readonly site: Site | null;
  readonly diagnostics: readonly { readonly severity: string; readonly file: string; readonly line: number; readonly message: string }[];
}

/**
 * A site's status from what lies on disk and in cgroupfs, for when no activator runs: the prepared site if it was
 * enabled (that is what would be woken), else what its file says.
 * @param load reads the site's files; called only where no prepared site is there
 */
export function storedStatus(
  name: string, paths: Paths,
  { load, slice, unitDirs }: { readonly load: () => SiteFile; readonly slice?: string; readonly unitDirs?: readonly string[] },
): SiteStatus {
  const prepared = readJson<PreparedSite>(`${preparedDir(paths, name)}/site.json`);
  const history = readJson<SiteHistory>(`${paths.stateDir}/history/${name}.json`);
  const scope = scopeFigures(name, slice);
  const fromFile = prepared.value === null ? readSiteFile(load) : null;
  const site = prepared.value?.site ?? fromFile?.site;
  const error = prepared.error ?? history.error ?? fromFile?.error ?? null;
  const state = stateOf(history.value, scope);
  return {
    name,
    state,
    handoff: site?.handoff ?? 'adopt',
    listen: site?.listen.map(({ text }) => text) ?? [],
    hosts: site?.hosts ?? [],
    unit: prepared.value === null ? null : writtenSocketUnit(name, unitDirs),
    // A state that ended while nobody looked (a reboot, a kill) ended at a time that nobody knows.
    since: history.value?.state === state ? history.value.since : null,
    wakes: history.value?.wakes ?? 0,
    connections: null,
    memoryBytes: scope?.memoryBytes ?? null,
    cpuUsec: scope?.cpuUsec ?? null,
    oomKills: history.value?.oomKills ?? null,
    lastWake: history.value?.lastWake ?? null,
    warnings: prepared.value?.warnings ?? [],
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

/** A site that is not enabled: nobody can wake it, and why. */
function readSiteFile(load: () => SiteFile): { site: Site | null; error: StatusError } {
  try {
    const { site, diagnostics } = load();
    const wrong = diagnostics.filter(({ severity }) => severity === 'error').map(({ file, line, message }) => `${file}:${line}: ${message}`);
    if (site === null || wrong.length > 0) return { site, error: { code: 'ERR_WAKESOCK_SITE_FILE', message: wrong.join('\n') } };
    return { site, error: { code: 'ERR_WAKESOCK_NOT_ENABLED', message: 'No client can wake it: it has not been enabled' } };
  } catch (problem) {
    return { site: null, error: describeError(problem) };
  }
}
