import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { controlClient } from '../control/client.ts';
import type { SiteStatus, StatusReport } from '../control/types.ts';
import { listSiteNames, loadSite } from '../site/index.ts';
import { activatorState, type SystemdSays } from './activator-state.ts';
import { isEmbedded, pathsOf } from './paths.ts';
import { storedStatus } from './stored-status.ts';
import type { VerbValues } from './verb.ts';

/** As long as systemd waits for a sign of life (WatchdogSec= of wakesock.service). A thousand sites that are awake take the activator a second; it does other things in between. */
const answerTimeoutMs = 30_000;
/** One that ends before it answers leaves the question in systemd's socket, where it may stay for as long as none can be started. */
const lookMs = 1_000;

/**
 * Everything `wakesock status` shows. Starts nothing: the control socket is systemd's, so it is connected to only where
 * the activator runs. (One that ends in between would be started again, wake nothing, and end.)
 * @returns `problem`: the activator runs but could not be asked, or cannot be started
 */
export async function statusReport(
  values: VerbValues, base: Paths, askSystemd: () => Promise<SystemdSays> = activatorState,
): Promise<{ report: StatusReport; problem: WakesockError | null }> {
  const paths = pathsOf(values, base);
  const embedded = isEmbedded(values);
  let { activator, problem }: SystemdSays = embedded ? { activator: { state: 'stopped', pid: null }, problem: null } : await askSystemd();
  let live: readonly SiteStatus[] = [];
  if (embedded || activator.state === 'running') {
    const watch = embedded ? null : watchPid(activator.pid, askSystemd);
    try {
      const timeout = AbortSignal.timeout(answerTimeoutMs);
      const report = await controlClient(paths.controlPath).report({ signal: watch === null ? timeout : AbortSignal.any([timeout, watch.gone]) });
      ({ activator, sites: live } = report);
    } catch (error) {
      if (!(error instanceof WakesockError)) throw error;
      if (watch?.since) ({ activator, problem } = watch.since);
      else if (!embedded || error.code !== 'ERR_WAKESOCK_NOT_RUNNING') problem = cannotAsk(error);
    } finally {
      watch?.end();
    }
  }
  const byName = new Map(live.map((site) => [site.name, site]));
  for (const name of listSiteNames(paths)) {
    // The activator may not know a site that was written a moment ago, or never enabled.
    if (!byName.has(name)) byName.set(name, storedStatus(name, paths, { load: () => loadSite(paths, name) }));
  }
  const sites = [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { report: { activator, sites }, problem };
}

interface PidWatch {
  /** Aborted when it is another, or none. */
  readonly gone: AbortSignal;
  /** What systemd says since then. */
  since: SystemdSays | null;
  end(): void;
}

function watchPid(pid: number | null, askSystemd: () => Promise<SystemdSays>): PidWatch {
  const aborter = new AbortController();
  const watch: PidWatch = { gone: aborter.signal, since: null, end: () => clearInterval(timer) };
  const timer = setInterval(() => {
    void askSystemd().then((says) => {
      if (says.activator.pid === pid || watch.since !== null) return;
      watch.since = says;
      aborter.abort();
    });
  }, lookMs);
  return watch;
}

function cannotAsk({ code, message, cause }: WakesockError): WakesockError {
  return new WakesockError(code, `the activator runs but cannot be asked, so this is what the disk says: ${message}`, { cause });
}
