/**
 * The activator: inherits the sites' listening sockets, wakes their containers, stops idle ones, and ends when no site is
 * awake. This file is the composition root; the cold path is `inherit → runner → launch` (wake/launch.ts).
 */
import { once } from 'node:events';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { LogLevel } from '../base/log.ts';
import { createLog } from '../base/log.ts';
import type { Paths } from '../base/paths.ts';
import { describeError } from '../base/errors.ts';
import { readableNow } from '../linux/fd.ts';
import { CameAndWent } from '../idle/came-and-went.ts';
import { Crun } from '../runtime/crun.ts';
import { SliceOomKills } from '../runtime/oom-kills.ts';
import { sliceDirectory } from '../runtime/cgroup.ts';
import { Poller } from '../sockets/poller.ts';
import { serviceUnitName } from '../systemd/unit-names.ts';
import { beginAhead, type Ahead } from './ahead.ts';
import { beginAll } from './begin-all.ts';
import { ActivatorControl } from './control.ts';
import { EXIT_AGAIN, ExitPolicy, type Successor } from './exit-policy.ts';
import { inherit, openOwn, type Inheritance } from './inheritance.ts';
import { namesLeft } from './left-behind.ts';
import { LoopbackSites } from './loopback-sites.ts';
import { SeccompReceiver } from './seccomp-receiver.ts';
import { serviceManager } from './service-manager.ts';
import { siteOutput } from './site-output.ts';
import { preparing } from './preparing.ts';
import { SiteRunner } from './site-runner.ts';
import { SleepingSites } from './sleeping-sites.ts';
import { UnitSites } from './unit-sites.ts';
import type { RunnerParts } from './parts.ts';
import type { Runner } from './runner.ts';

export interface ActivatorOptions {
  readonly paths: Paths;
  /** No systemd: the sockets of every site are opened here, there are no scopes. */
  readonly embedded: boolean;
  /** Infinity: never ends by itself. */
  readonly exitIdleMs: number;
  readonly logLevel: LogLevel;
}

/** Longer than this a cold wake is not ours to speed up. */
const FIRST_WAKES_MS_MAX = 1_000;

/**
 * Resolves with the exit status: 0 nothing left to do, 75 start me again.
 *
 * @param ahead by whom it was begun before this file was loaded
 */
export async function runActivator(options: ActivatorOptions, ahead: Ahead | null = options.embedded ? null : beginAhead()): Promise<number> {
  const { paths, embedded } = options;
  const log = createLog({ level: options.logLevel });
  const poller = new Poller((error) => log.error('A handler failed', describeError(error)));
  const service = serviceManager(process.env, log);
  const inheritance = embedded ? await openOwn(paths, log) : inherit(process.env, log);
  const manager = ahead?.manager ?? null;
  // A wake that needs it tries again.
  manager?.connect().catch((error: unknown) => log.warn('systemd is not reached over D-Bus yet', describeError(error)));
  const runners = new Map<string, SiteRunner>();
  const crun = new Crun(poller, `${paths.runtimeDir}/crun`);
  const seccomp = new SeccompReceiver(`${paths.runtimeDir}/seccomp.sock`, poller, (site, fd, pid) => runners.get(site)?.notifyFdArrived(fd, pid) ?? false);
  const everyRunner = (): readonly Runner[] => [...runners.values(), ...units.runners.values()];
  const exit = new ExitPolicy(options.exitIdleMs, inheritance.everyFd, everyRunner);
  const sliceDir = embedded ? null : sliceDirectory();
  const parts: RunnerParts = {
    paths, poller, crun, manager, log,
    gracePeriod: ahead?.gracePeriod ?? null,
    sliceDir, oomKills: sliceDir === null ? null : new SliceOomKills(sliceDir, poller),
    cameAndWent: new CameAndWent(poller),
    fdStore: service.fdStore,
    now: () => performance.now(),
    lines: siteOutput(embedded, log),
    changed: () => {
      loopback.closeQuiet();
      exit.reconsider();
    },
    ...preparing(paths, log),
  };
  const units = new UnitSites(parts);
  const loopback = new LoopbackSites(runners, parts, inheritance.loopback);
  const begin = (name: string): SiteRunner | undefined => {
    const listeners = inheritance.listeners(name);
    if (listeners.length === 0) return undefined;
    const runner = new SiteRunner(name, listeners, parts);
    runners.set(name, runner);
    runner.begin(inheritance.stored(name));
    return runner;
  };
  const failed = (name: string, error: unknown): void => log.error(`${name} is not served`, { site: name, ...describeError(error) });
  const left = [...namesLeft({ paths, sliceDir, crun, stored: inheritance.storedSites })].filter((name) => inheritance.sites.has(name));
  const notBegun = new Set<string>();
  beginAll(left, { begin, failed: (name, error) => { notBegun.add(name); failed(name, error); }, extend: (forMs) => service.extend(forMs) });
  const isControlAsked = isAsked(inheritance.control);
  const sleeping = new SleepingSites(inheritance.sites, left.filter((name) => !notBegun.has(name)), { poller, begin, failed });
  const asked = askedFor(inheritance);
  const firstWakes = wakesOf(asked, (name) => runners.get(name) ?? sleeping.begin(name));
  const watched = sleeping.watch().catch((error: unknown) => log.error('Not every sleeping site is waited for', describeError(error)));
  inheritance.closeUnclaimed((name) => runners.has(name) || sleeping.fds(name) !== undefined, (name) => parts.fdStore.drop(name));
  void units.takeOver();

  const control = new ActivatorControl(inheritance.control, { runners, sleeping, loopback, units, parts }, exit, log);
  // systemd then goes through all sockets: with a thousand of them it keeps a processor for as long as two wakes.
  void Promise.all([firstWakes, isControlAsked ? endOf([control.firstWake]) : undefined]).then(() => service.ready());
  // Until then nobody there could be answered.
  let opening = true;
  exit.controlBusy = () => opening || control.busy;
  // Loading either takes as long as half a wake: not while the first client waits, unless that is who asks on the control socket, by way of the front door.
  void (isControlAsked ? turn() : firstWakes)
    .then(() => {
      loopback.takeOver();
      return control.serve();
    })
    .catch((error: unknown) => log.error('The control socket is not served', describeError(error)))
    .then(() => Promise.all([firstWakes, watched]))
    .then(() => sleeping.sweep())
    .catch((error: unknown) => log.error('Not every socket of a sleeping site was looked at', describeError(error)))
    // Started for nothing, as by a socket that no site can use, there is nobody else who asks.
    .finally(() => {
      opening = false;
      exit.reconsider();
    });
  void firstWakes.then(() => (asked.length > 0 ? undefined : delay(FIRST_WAKES_MS_MAX, undefined, { ref: false }))).then(() => log.open());
  let succeeded = false;
  const successor: Successor = {
    extend: (sites, forMs) => {
      log.info('Told to end: clients are held for programs that are ending', { sites: sites.join(' ') });
      service.extend(forMs);
    },
    comes: async () => {
      // Without an answer nobody is counted on to come after us.
      const type = await manager?.jobType(serviceUnitName).catch(() => null);
      return (succeeded = type === 'restart' || type === 'start');
    },
  };
  void (ahead ? ahead.told : toldByHand().then(() => sleepAll(everyRunner()))).then(() => exit.endSettled(0, successor));
  const status = await exit.decided;

  log.info(`Ending with status ${status}`, { status });
  sleeping.close();
  for (const runner of runners.values()) runner.noteFlags();
  for (const runner of everyRunner()) {
    try {
      runner.retire(status === EXIT_AGAIN || succeeded);
    } catch (error) {
      log.error(`${runner.name} could not be left as it should be`, { site: runner.name, ...describeError(error) });
    }
  }
  // Also by one that ends before its time has come: to systemd it would have failed.
  service.ready();
  service.stopping();
  await control.close();
  seccomp.close();
  manager?.close();
  poller.stop();
  await log.close();
  return status;
}

function isAsked(control: Inheritance['control']): boolean {
  return readableNow([...control.values()].flatMap((listen) => ('fd' in listen ? [listen.fd] : []))).length > 0;
}

/** Sites whose clients wait at this moment. */
function askedFor({ sites, everyFd }: Inheritance): string[] {
  const readable = new Set(readableNow(everyFd));
  return readable.size === 0 ? [] : [...sites].filter(([, fds]) => fds.some((fd) => readable.has(fd))).map(([name]) => name);
}

/**
 * Resolves when the sites that we were started for have been woken, however that ended; of those that take long nobody
 * counts the milliseconds, and somebody may want to read why.
 */
async function wakesOf(asked: readonly string[], runnerOf: (name: string) => SiteRunner | undefined): Promise<void> {
  await endOf(asked.map((name) => {
    const runner = runnerOf(name);
    // What was readable may have been no socket of a site.
    return runner !== undefined && isReadable(runner) ? runner.nextWake() : Promise.resolve();
  }));
}

/** Waits for all of these wakes, or until they take long. */
async function endOf(wakes: readonly Promise<void>[]): Promise<void> {
  const longEnough = new AbortController();
  await Promise.race([
    Promise.all(wakes).finally(() => longEnough.abort()),
    delay(FIRST_WAKES_MS_MAX, undefined, { signal: longEnough.signal }).catch(() => {}),
  ]);
}

function isReadable({ sockets }: SiteRunner): boolean {
  return readableNow(sockets.all.map(({ fd }) => fd)).length > 0;
}

/** Embedded. Who says it twice does not want to wait. */
async function toldByHand(): Promise<void> {
  await Promise.race((['SIGTERM', 'SIGINT'] as const).map((signal) => once(process, signal)));
}

/** Without scopes nobody else would ever end the containers. */
async function sleepAll(runners: readonly Runner[]): Promise<void> {
  await Promise.allSettled(runners.map((runner) => runner.sleep(true)));
}
