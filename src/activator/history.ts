/** Wake history: what `status` says while nothing of ours runs. `stateDir/history/SITE.json`. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Paths } from '../base/paths.ts';
import type { SiteHistory } from '../control/types.ts';

const nothing: SiteHistory = { version: 1, since: new Date(0).toISOString(), state: 'dormant', wakes: 0, lastWake: null, error: null };

export function readHistory(paths: Paths, site: string): SiteHistory {
  try {
    const history = JSON.parse(readFileSync(file(paths, site), 'utf8')) as SiteHistory;
    return history.version === 1 ? history : nothing;
  } catch {
    // Missing, or cut off by a power failure: it is history, nothing depends on it.
    return nothing;
  }
}

/** Throws where the state directory is full or read-only: the caller tells the log, no site depends on it. */
export function writeHistory(paths: Paths, site: string, history: SiteHistory): void {
  const path = file(paths, site);
  mkdirSync(`${paths.stateDir}/history`, { recursive: true });
  try {
    writeFileSync(`${path}.new`, JSON.stringify(history));
    renameSync(`${path}.new`, path);
  } catch (error) {
    rmSync(`${path}.new`, { force: true });
    throw error;
  }
}

/** Sites seen to shut their listener down: their next bundle has `shutdown` notified too. */
export function rememberShutsListener(paths: Paths, site: string): void {
  mkdirSync(`${paths.stateDir}/shuts-listener`, { recursive: true });
  writeFileSync(`${paths.stateDir}/shuts-listener/${site}`, '');
}

function file(paths: Paths, site: string): string {
  return `${paths.stateDir}/history/${site}.json`;
}
