/** The view that the control socket and the lease socket have of the runners. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeError, WakesockError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ControlBackend } from '../control/backend.ts';
import type { ControlListen } from '../control/listen.ts';
import type { ControlSocket } from '../control/route.ts';
import type { ControlServer } from '../control/server.ts';
import type { SiteStatus } from '../control/types.ts';
import { born } from '../lifecycle/lifecycle.ts';
import { readableNow } from '../linux/fd.ts';
import { listenerOf } from '../sockets/listener.ts';
import { writtenSocketUnit } from '../systemd/unit-names.ts';
import type { ExitPolicy } from './exit-policy.ts';
import { readHistory } from './history.ts';
import type { LoopbackSites } from './loopback-sites.ts';
import type { RunnerParts } from './parts.ts';
import type { Runner } from './runner.ts';
import { SiteRecord } from './site-record.ts';
import type { SiteRunner } from './site-runner.ts';
import { siteStatus } from './site-status.ts';
import type { SleepingSites } from './sleeping-sites.ts';
import { statusOfAll } from './status-of-all.ts';
import type { UnitSites } from './unit-sites.ts';

export interface ControlledSites {
  readonly runners: ReadonlyMap<string, SiteRunner>;
  readonly sleeping: SleepingSites;
  readonly loopback: LoopbackSites;
  readonly units: UnitSites;
  readonly parts: Pick<RunnerParts, 'paths' | 'preparedNow' | 'manager'>;
}

const asleep = { state: born.state, container: null, established: () => 0 } as const;

export class ActivatorControl {
  readonly #sockets: ReadonlyMap<ControlSocket, ControlListen>;
  readonly #sites: ControlledSites;
  readonly #exit: ExitPolicy;
  readonly #log: Log;
  readonly #servers: { readonly server: ControlServer; readonly fd: number | null }[] = [];
  #firstOver: () => void = () => {};
  /** Resolves when the first wake that somebody asked for here has ended, well or not. */
  readonly firstWake = new Promise<void>((resolve) => { this.#firstOver = resolve; });

  constructor(sockets: ReadonlyMap<ControlSocket, ControlListen>, sites: ControlledSites, exit: ExitPolicy, log: Log) {
    this.#sockets = sockets;
    this.#sites = sites;
    this.#exit = exit;
    this.#log = log;
  }

  async serve(): Promise<void> {
    if (this.#sockets.size === 0) return;
    const { serveControl } = await import('../control/server.ts');
    const backend = this.#backend();
    // One that cannot be had is no reason to be without the other.
    await Promise.all([...this.#sockets].map(async ([socket, listen]) => {
      try {
        if ('path' in listen) mkdirSync(dirname(listen.path), { recursive: true });
        const server = await serveControl({
          socket, listen, backend,
          onQuiet: () => this.#exit.reconsider(),
          onProblem: (error) => this.#log.error(`The ${socket} socket cannot accept`, describeError(error)),
        });
        this.#servers.push({ server, fd: 'fd' in listen ? listen.fd : null });
      } catch (error) {
        this.#log.error(`The ${socket} socket is not served`, describeError(error));
      }
    }));
  }

  /**
   * Somebody has asked, or is about to: also who waits to be accepted. An activator that ended then would be started again by him, and might end
   * again before it has answered, for ever.
   */
  get busy(): boolean {
    return this.#servers.some(({ server }) => server.busy > 0) || readableNow(this.#servers.flatMap(({ fd }) => fd ?? [])).length > 0;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map(({ server }) => server.close()));
  }

  #backend(): ControlBackend {
    const { runners, sleeping, units, parts: { paths } } = this.#sites;
    const running = (name: string): Runner | undefined => runners.get(name) ?? units.runners.get(name);
    // Nothing is begun for a look.
    const status = (name: string) => Promise.resolve(running(name)?.status() ?? this.#sleepingStatus(name));
    return {
      sites: () => statusOfAll([
        ...runners.values(), ...units.runners.values(),
        // One that is asked for meanwhile sleeps no more.
        ...sleeping.all.map(([name, fds]) => ({ status: () => runners.get(name)?.status() ?? this.#statusAsleep(name, fds) })),
      ]),
      site: status,
      wake: async (name, by) => {
        await this.#toBeWoken(name, (runner) => runner.wake(by)).finally(this.#firstOver);
        return status(name);
      },
      sleep: async (name, { force }) => {
        await running(name)?.sleep(force);
        return status(name);
      },
      resetFailed: async (name) => {
        const runner = running(name);
        if (runner) runner.resetFailed();
        // Nobody turns its clients away, but the disk says that it has failed.
        else new SiteRecord(name, { paths, log: this.#log, now: () => performance.now() }).resetFailed();
        return status(name);
      },
      lease: (name, asked) => this.#toBeWoken(name, async (runner) => {
        const grant = await runner.lease(asked);
        void runner.nextWake().then(this.#firstOver);
        return grant;
      }),
    };
  }

  /**
   * Its socket is made where systemd holds none. That is given up as soon as nobody uses it and anything happens to any site: so what is asked of the site
   * is done at once.
   */
  async #toBeWoken<T>(name: string, ask: (runner: Runner) => Promise<T>): Promise<T> {
    const { runners, sleeping, loopback, units } = this.#sites;
    const here = runners.get(name) ?? sleeping.begin(name) ?? loopback.open(name);
    if (here) return ask(here);
    const unit = await units.open(name);
    if (!unit) throw notFound(name);
    return ask(unit);
  }

  #sleepingStatus(name: string): SiteStatus {
    const { sleeping, loopback, units, parts: { paths } } = this.#sites;
    const fds = sleeping.fds(name);
    if (fds) return this.#statusAsleep(name, fds);
    const prepared = loopback.find(name) ?? units.find(name);
    if (!prepared) throw notFound(name);
    const history = readHistory(paths, name);
    const status = siteStatus(name, { ...asleep, history, prepared, listeners: [], unit: null });
    return history.state === 'failed' ? { ...status, state: 'failed', error: history.error } : status;
  }

  #statusAsleep(name: string, fds: readonly number[]): SiteStatus {
    const { paths, preparedNow, manager } = this.#sites.parts;
    return siteStatus(name, {
      ...asleep, history: readHistory(paths, name), prepared: readable(() => preparedNow(name)),
      listeners: fds.flatMap((fd) => readable(() => listenerOf(fd)) ?? []), unit: manager ? writtenSocketUnit(name) : null,
    });
  }
}

function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function notFound(name: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', `No site \`${name}\` has a socket here; is it enabled?`);
}
