/** What several verbs do to sites: all that `enable` and `disable` do. */
import type { Paths } from '../base/paths.ts';
import { controlClient } from '../control/client.ts';
import { releaseImages, storesOf } from '../image/keep.ts';
import { createManager } from '../systemd/manager.ts';
import { applySites, type AppliedSite } from './apply-sites.ts';
import { disableSites, type DisabledSite } from './disable-sites.ts';
import { enableSites, type EnabledSite } from './enable-sites.ts';
import { sitePreparer } from './prepare-sites.ts';
import { statusReport } from './status-report.ts';
import { systemUnitDir } from './system.ts';
import type { VerbContext } from './verb.ts';

export async function enableNamed({ paths, stderr }: VerbContext, names: readonly string[]): Promise<EnabledSite[]> {
  const preparer = sitePreparer(paths, stderr);
  const manager = createManager();
  const client = controlClient(paths.controlPath);
  try {
    const sites = await enableSites(names, { paths, unitDir: systemUnitDir, manager, prepare: preparer.prepare, sleep: (name) => client.sleep(name, { force: true }) });
    await preparer.finish();
    return sites;
  } finally {
    manager.close();
  }
}

export async function applyNamed({ paths, stderr }: VerbContext, names: readonly string[]): Promise<AppliedSite[]> {
  const preparer = sitePreparer(paths, stderr);
  const manager = createManager();
  try {
    const sites = await applySites(names, { paths, manager, prepare: preparer.prepare, untilStarted: (some) => untilStarted(paths, some) });
    await preparer.finish();
    return sites;
  } finally {
    manager.close();
  }
}

/** The activator says of a site that it is waking before it reads what was prepared. Where none runs, nothing is on its way. */
async function untilStarted(paths: Paths, names: readonly string[]): Promise<void> {
  const { report: { sites } } = await statusReport({}, paths);
  const client = controlClient(paths.controlPath);
  // Ends with the wake that is under way. Why one fails is told to whoever asked for it.
  await Promise.all(sites.filter(({ name, state }) => state === 'waking' && names.includes(name)).map(({ name }) => client.wake(name).catch(() => {})));
}

/** @param said is called with the sites before podman is asked to let their images go */
export async function disableNamed({ paths }: VerbContext, names: readonly string[], said: (sites: readonly DisabledSite[]) => void): Promise<DisabledSite[]> {
  const manager = createManager();
  const client = controlClient(paths.controlPath);
  const stores = storesOf(paths, names);
  try {
    const sites = await disableSites(names, { paths, unitDir: systemUnitDir, manager, sleep: (name) => client.sleep(name, { force: true }) });
    said(sites);
    for (const store of stores) await releaseImages(paths, store);
    return sites;
  } finally {
    manager.close();
  }
}
