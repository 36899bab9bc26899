import { describeError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { isRecorded, unrecordEnabled } from '../runtime/enabled.ts';
import type { Manager } from '../systemd/manager.ts';
import { scopeName } from '../systemd/unit-names.ts';
import { closeSockets, hasSocketUnit } from './close-sockets.ts';
import { isPrepared, removePrepared } from './remove-prepared.ts';

export interface DisableParts {
  readonly paths: Paths;
  readonly unitDir: string;
  readonly manager: Manager;
  /** Asks the activator to stop a site in its own, gentler way. */
  readonly sleep: (name: string) => Promise<unknown>;
}

export interface DisabledSite {
  readonly name: string;
  /** False: there was nothing to undo. */
  readonly wasEnabled: boolean;
  /** Where files that its program wrote stay; null: nowhere of ours. */
  readonly data: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The other way round: sockets closed, sites stopped, what `enable` wrote removed. The site's files and data stay. */
export async function disableSites(names: readonly string[], { paths, unitDir, manager, sleep }: DisableParts): Promise<DisabledSite[]> {
  const enabled = names.filter((name) => wasEnabled(name, paths, unitDir));
  await closeSockets(enabled, { unitDir, manager, sleep });
  return Promise.all(names.map(async (name): Promise<DisabledSite> => {
    if (!enabled.includes(name)) return { name, wasEnabled: false, data: null, error: null };
    try {
      await manager.stopUnit(scopeName(name));
      unrecordEnabled(paths, name);
      return { name, wasEnabled: true, data: removePrepared(paths, name), error: null };
    } catch (error) {
      return { name, wasEnabled: true, data: null, error: describeError(error) };
    }
  }));
}

function wasEnabled(name: string, paths: Paths, unitDir: string): boolean {
  return hasSocketUnit(name, unitDir) || isPrepared(paths, name) || isRecorded(paths, name);
}
