/** What the next activator must know of a site that is not dormant: `runtimeDir/sites/SITE/state.json`. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isErrno } from '../linux/libc.ts';
import { runtimeSiteDir, type Paths } from '../base/paths.ts';
import type { Baseline } from '../sockets/baseline.ts';

export interface RuntimeState {
  readonly version: 1;
  /** The container's first process, with its start time (proc_pid_stat(5) field 22): numbers are used again. Null before crun says. */
  readonly process: { readonly pid: number; readonly startTime: string } | null;
  readonly listening: boolean;
  /** Inodes of the sockets that it listens on already. Absent: of an older version. */
  readonly listened?: readonly number[];
  /** It has been sent its stop signal, or is about to be: clients stay held until it is gone. */
  readonly stopping: boolean;
  /** When it was known to have been sent it, in milliseconds since the epoch: it is not sent again, and its time runs. Null before. */
  readonly toldMs: number | null;
  /** Milliseconds since the epoch. */
  readonly lastActiveMs: number;
  /** Taken before any program held the sockets. */
  readonly baselines: readonly Baseline[];
  /** Inodes of the sockets that the program was given. */
  readonly served: readonly number[];
  /**
   * Blocking mode of each socket as the program has it. systemd sets the mode of every socket that it passes (NonBlocking=),
   * which the running program feels: the next activator puts it back.
   */
  readonly statusFlags: readonly number[];
}

export function writeRuntimeState(paths: Paths, site: string, state: RuntimeState): void {
  const directory = runtimeSiteDir(paths, site);
  // Also a directory of site files, which the front door reads.
  mkdirSync(dirname(directory), { recursive: true, mode: 0o755 });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(`${directory}/state.json.new`, JSON.stringify(state));
  renameSync(`${directory}/state.json.new`, `${directory}/state.json`);
}

/** Null: the site was dormant when the last activator ended. What cannot be read is treated so too. */
export function readRuntimeState(paths: Paths, site: string): RuntimeState | null {
  try {
    const state = JSON.parse(readFileSync(`${runtimeSiteDir(paths, site)}/state.json`, 'utf8')) as RuntimeState | null;
    return state?.version === 1 && Array.isArray(state.baselines) ? state : null;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Sites of which there is a state. */
export function namesNotDormant(paths: Paths): string[] {
  try {
    return readdirSync(dirname(runtimeSiteDir(paths, 'any')), { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.endsWith('.d')).map(({ name }) => name);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

export function removeRuntimeState(paths: Paths, site: string): void {
  rmSync(runtimeSiteDir(paths, site), { recursive: true, force: true });
}

/** Null where there is no such process. */
export function processIdentity(pid: number): { pid: number; startTime: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command may hold spaces and parentheses; the fields behind the last one do not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return { pid, startTime: fields[19] ?? '' };
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return null;
    throw error;
  }
}
