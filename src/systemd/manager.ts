/** A small client of systemd's manager, org.freedesktop.systemd1(5). */
import type { Variant } from 'dbus-next';
import { WakesockError } from '../base/errors.ts';
import { errorName, type Signal } from './bus.ts';
import { unitObjectPath } from './escape.ts';
import { networkServiceProperties, scopeProperties, startHelperProperties, type ScopeStart } from './transient-properties.ts';
import { managerInterface, managerPath, openSession, systemdName, type Session } from './session.ts';

export type { ScopeStart };

export interface UnitStatus {
  readonly name: string;
  readonly description: string;
  /** `loaded`, `not-found`, `bad-setting`, `error`, `masked`, … */
  readonly loadState: string;
  /** `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`, … */
  readonly activeState: string;
  readonly subState: string;
}

export type UnitInterface = 'Unit' | 'Service' | 'Socket' | 'Scope';
/** Whether a job may take the place of a pending one that contradicts it. */
export type JobMode = 'replace' | 'fail';

/**
 * Every call fails with ERR_WAKESOCK_BUS at once when the connection ends, waits included; the next call makes a new
 * connection. What systemd refuses is ERR_WAKESOCK_SYSTEMD (ERR_WAKESOCK_SCOPE for scopes), with the D-Bus error's name.
 */
export interface Manager {
  /** May be called early, so that connecting overlaps with other work. Calls need not wait for it. */
  connect(): Promise<void>;
  /** Resolves when the processes are in the scope. Waits for an old scope of that name that is on its way out. */
  startScope(scope: ScopeStart): Promise<void>;
  /** Resolves when no unit of this name is loaded: only then can a scope of the name be started. */
  waitUnitGone(name: string): Promise<void>;
  /** Resolves when `accept` says yes to ActiveState and SubState, the present ones included. */
  waitUnitState(name: string, accept: (state: string, subState: string) => boolean): Promise<void>;
  /** Resolves when the unit is up. */
  startUnit(name: string, mode?: JobMode): Promise<void>;
  /**
   * Starts all in one transaction. `around`, a service that is ordered after them, is restarted if it runs: systemd stops
   * it, starts the others, and starts it again. Resolves when each of `names` is up or has failed: which, {@link listUnits} says.
   */
  startUnits(names: readonly string[], around?: string): Promise<void>;
  /** Resolves when the unit is down; also when it is not loaded. */
  stopUnit(name: string, mode?: JobMode): Promise<void>;
  /** Restarts the unit if it runs. Resolves when it is up again, or at once. */
  tryRestartUnit(name: string, mode?: JobMode): Promise<void>;
  /** `systemctl daemon-reload`. */
  reload(): Promise<void>;
  /** Makes the symlinks of `[Install]`. True: there were new ones, so that {@link reload} is needed. */
  enableUnitFiles(names: readonly string[]): Promise<boolean>;
  disableUnitFiles(names: readonly string[]): Promise<boolean>;
  /** Loaded units whose name matches one of the fnmatch(3) patterns. */
  listUnits(patterns: readonly string[]): Promise<UnitStatus[]>;
  /** Properties by name, 64-bit integers as BigInt. */
  getUnitProperties(name: string, iface: UnitInterface, properties: readonly string[]): Promise<Record<string, unknown>>;
  /** All of one interface, as they came. Of a unit that is not loaded, what it would be. */
  getAllProperties(name: string, iface: UnitInterface): Promise<Record<string, Variant>>;
  /** Until the unit ends. All are set, or, where one is refused, none. False: there is no such unit. */
  setUnitProperties(name: string, properties: readonly (readonly [string, Variant])[]): Promise<boolean>;
  /** What systemd is about to do with the unit: `start`, `stop`, `restart`, …; null: nothing. */
  jobType(name: string): Promise<string | null>;
  /** A property of the manager itself, e.g. `Version`. */
  getProperty(property: string): Promise<unknown>;
  /** Called each time a connection is lost (not by `close`). Returns its undoing. */
  onLost(callback: (reason: WakesockError) => void): () => void;
  /** Ends the connection; what waits fails. A later call connects again. */
  close(): void;
}

/** How often a scope is tried again whose name was still taken by one on its way out. */
const scopeTriesMax = 5;

/** @param options.busAddress as in DBUS_SYSTEM_BUS_ADDRESS; the system bus by default */
export function createManager(options: { readonly busAddress?: string } = {}): Manager {
  const lossCallbacks = new Set<(reason: WakesockError) => void>();
  let current: Session | null = null;
  let helpers = 0;
  /** Of the systemd at the other end of {@link current}: another may answer after a loss. */
  let oomPolicyAsked: { readonly of: Session; readonly answer: Promise<boolean> } | null = null;

  function session(): Session {
    if (current) return current;
    const opened: Session = openSession((reason) => {
      if (current !== opened) return;
      current = null;
      for (const callback of lossCallbacks) callback(reason);
    }, options.busAddress);
    current = opened;
    return opened;
  }

  async function runUnitJob(member: string, name: string, mode: JobMode): Promise<void> {
    const result = await session().runJob(member, 'ss', [name, mode]);
    if (result === 'done' || result === 'skipped') return;
    throw new WakesockError('ERR_WAKESOCK_SYSTEMD', `${member} of ${name}: the job ended with "${result}"`);
  }

  async function getProperty(path: string, iface: string, property: string): Promise<unknown> {
    const [variant] = await session().callOn(path, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [iface, property]);
    return (variant as { value?: unknown } | undefined)?.value;
  }

  /** Asked once a connection, of the one scope that is always there: its version would not tell, since distributions add to theirs. */
  function knowsOomPolicy(): Promise<boolean> {
    const of = session();
    if (oomPolicyAsked?.of === of) return oomPolicyAsked.answer;
    const answer = getProperty(unitObjectPath('init.scope'), `${systemdName}.Scope`, 'OOMPolicy').then((value) => typeof value === 'string', (error: unknown) => {
      if (error instanceof WakesockError && error.code === 'ERR_WAKESOCK_BUS') throw error;
      return false;
    });
    oomPolicyAsked = { of, answer };
    return answer;
  }

  async function getUnitProperties(name: string, iface: UnitInterface, properties: readonly string[]): Promise<Record<string, unknown>> {
    const path = unitObjectPath(name);
    const values = await Promise.all(properties.map((property) => getProperty(path, `${systemdName}.${iface}`, property)));
    return Object.fromEntries(properties.map((property, index) => [property, values[index]]));
  }

  /** Unlike its properties, which load a unit to answer. */
  async function isLoaded(name: string): Promise<boolean> {
    try {
      await session().call('GetUnit', 's', [name]);
      return true;
    } catch (error) {
      if (isNoSuchUnit(error)) return false;
      throw error;
    }
  }

  function waitUnitGone(name: string): Promise<void> {
    return session().waitSignal(
      `type='signal',sender='${systemdName}',path='${managerPath}',interface='${managerInterface}',member='UnitRemoved',arg0='${name}'`,
      ({ member, body }) => member === 'UnitRemoved' && body[0] === name,
      async () => !(await isLoaded(name)),
    );
  }

  /** An old scope that nothing holds any more: down, going down, or empty. Its end is seen to. */
  async function isOnItsWayOut(name: string): Promise<boolean> {
    const { ActiveState: state, Job: job } = await getUnitProperties(name, 'Unit', ['ActiveState', 'Job']);
    if (state === 'deactivating') return true;
    if (state === 'failed') {
      await session().call('ResetFailedUnit', 's', [name]).catch(ignoreNoSuchUnit);
      return true;
    }
    if (state === 'inactive') return (job as [number, string])[0] === 0;
    try {
      const [processes] = await session().call('GetUnitProcesses', 's', [name]);
      if ((processes as unknown[]).length > 0) return false;
      // Its process may have been dead when it was put in, as when an activator was killed in that instant: a scope that was
      // never populated is never reported empty, and stays active for ever.
      await session().call('StopUnit', 'ss', [name, 'replace']);
      return true;
    } catch (error) {
      if (isNoSuchUnit(error)) return true;
      throw error;
    }
  }

  /** It goes with its scope, which may be gone a moment before. */
  async function untilGone(name: string): Promise<void> {
    await runUnitJob('StopUnit', name, 'replace').catch(ignoreNoSuchUnit);
    await waitUnitGone(name);
  }

  async function tryStartScope(scope: ScopeStart): Promise<'started' | 'taken'> {
    const properties = scopeProperties(scope, await knowsOomPolicy());
    try {
      const result = await session().runJob('StartTransientUnit', 'ssa(sv)a(sa(sv))', [scope.name, 'fail', properties, !scope.network ? [] : [[scope.network.name, networkServiceProperties(scope)]]]);
      if (result === 'done') return 'started';
      throw new WakesockError('ERR_WAKESOCK_SCOPE', `systemd did not start ${scope.name}: the job ended with "${result}"`);
    } catch (error) {
      if (errorName(error) === `${systemdName}.UnitExists` && (await isOnItsWayOut(scope.name))) return 'taken';
      throw error instanceof WakesockError && error.code === 'ERR_WAKESOCK_SYSTEMD'
        ? new WakesockError('ERR_WAKESOCK_SCOPE', `systemd refused ${scope.name}: ${error.message}`, { cause: error.cause })
        : error;
    }
  }

  return {
    async connect() {
      await session().connected;
      // So that no scope waits for it.
      knowsOomPolicy().catch(() => {});
    },
    async startScope(scope) {
      for (let tries = 1; (await tryStartScope(scope)) === 'taken'; tries++) {
        if (tries === scopeTriesMax) {
          throw new WakesockError('ERR_WAKESOCK_SCOPE', `${scope.name} was taken by another scope ${tries} times in a row`);
        }
        await waitUnitGone(scope.name);
        if (scope.network) await untilGone(scope.network.name);
      }
    },
    waitUnitGone,
    async waitUnitState(name, accept) {
      const path = unitObjectPath(name);
      const now = async (): Promise<boolean> => {
        const { ActiveState: state, SubState: subState } = await getUnitProperties(name, 'Unit', ['ActiveState', 'SubState']);
        return accept(String(state), String(subState));
      };
      const changed = ({ path: of, member, body }: Signal): boolean => {
        if (of !== path || member !== 'PropertiesChanged') return false;
        const { ActiveState: state, SubState: subState } = (body[1] ?? {}) as Record<string, { value: unknown } | undefined>;
        return state !== undefined && subState !== undefined && accept(String(state.value), String(subState.value));
      };
      await session().waitSignal(
        `type='signal',sender='${systemdName}',path='${path}',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'`,
        changed, now,
      );
    },
    startUnit: (name, mode = 'replace') => runUnitJob('StartUnit', name, mode),
    async startUnits(names, around) {
      const helper = `wakesock-start-${process.pid}-${++helpers}.service`;
      const result = await session().together(() => {
        // Not waited for, nor does it matter here whether it comes up again. Both jobs must be there before either is begun.
        if (around !== undefined) runUnitJob('TryRestartUnit', around, 'replace').catch(() => {});
        return session().runJob('StartTransientUnit', 'ssa(sv)a(sa(sv))', [helper, 'replace', startHelperProperties(names), []]);
      });
      if (result !== 'done') throw new WakesockError('ERR_WAKESOCK_SYSTEMD', `${helper}, which starts ${names.length} units, ended with "${result}"`);
    },
    async stopUnit(name, mode = 'replace') {
      await runUnitJob('StopUnit', name, mode).catch(ignoreNoSuchUnit);
    },
    tryRestartUnit: (name, mode = 'replace') => runUnitJob('TryRestartUnit', name, mode),
    async reload() {
      await session().call('Reload');
    },
    async enableUnitFiles(names) {
      const [, changes] = await session().call('EnableUnitFiles', 'asbb', [names, false, true]);
      return (changes as unknown[]).length > 0;
    },
    async disableUnitFiles(names) {
      const [changes] = await session().call('DisableUnitFiles', 'asb', [names, false]);
      return (changes as unknown[]).length > 0;
    },
    async listUnits(patterns) {
      const [rows] = await session().call('ListUnitsByPatterns', 'asas', [[], patterns]);
      return (rows as string[][]).map(([name, description, loadState, activeState, subState]) => ({
        name: name ?? '', description: description ?? '', loadState: loadState ?? '', activeState: activeState ?? '', subState: subState ?? '',
      }));
    },
    getUnitProperties,
    async getAllProperties(name, iface) {
      const [all] = await session().callOn(unitObjectPath(name), 'org.freedesktop.DBus.Properties', 'GetAll', 's', [`${systemdName}.${iface}`]);
      return all as Record<string, Variant>;
    },
    async setUnitProperties(name, properties) {
      try {
        await session().call('SetUnitProperties', 'sba(sv)', [name, true, properties]);
        return true;
      } catch (error) {
        ignoreNoSuchUnit(error);
        return false;
      }
    },
    async jobType(name) {
      const { Job: job } = await getUnitProperties(name, 'Unit', ['Job']);
      const [id, path] = job as [number, string];
      return id === 0 ? null : String(await getProperty(path, `${systemdName}.Job`, 'JobType'));
    },
    getProperty: (property) => getProperty(managerPath, managerInterface, property),
    onLost(callback) {
      lossCallbacks.add(callback);
      return () => lossCallbacks.delete(callback);
    },
    close() {
      const closing = current;
      current = null;
      closing?.end(new WakesockError('ERR_WAKESOCK_BUS', 'The D-Bus connection to systemd was closed'));
    },
  };
}

function isNoSuchUnit(error: unknown): boolean {
  return errorName(error) === `${systemdName}.NoSuchUnit`;
}

function ignoreNoSuchUnit(error: unknown): void {
  if (!isNoSuchUnit(error)) throw error;
}
