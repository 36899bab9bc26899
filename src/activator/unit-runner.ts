/**
 * A relayed site with `Unit=` at run time: the same life as a container's (lifecycle/), carried out by starting and stopping a
 * unit of systemd. It has no sockets here: whoever uses it holds a lease, the front door among them.
 */
import type { SiteError } from '../lifecycle/lifecycle.ts';
import { WakesockError, describeError } from '../base/errors.ts';
import type { ListenAddress, PreparedSite } from '../base/site.ts';
import type { LeaseAsked, LeaseGrant } from '../control/backend.ts';
import { leaseAddressOf } from '../control/lease-address.ts';
import type { LeaseAddress, SiteStatus } from '../control/types.ts';
import type { Activity } from '../idle/activity.ts';
import { Idleness } from '../idle/idleness.ts';
import type { Manager } from '../systemd/manager.ts';
import { onBus } from '../systemd/on-bus.ts';
import { writtenSocketUnit } from '../systemd/unit-names.ts';
import { Living, type RunnerEffect } from './living.ts';
import type { RunnerParts } from './parts.ts';
import type { Runner } from './runner.ts';
import { SiteRecord } from './site-record.ts';
import { siteStatus } from './site-status.ts';
import { StateNote } from './state-note.ts';

/** Clients are the front door's: only leases tell of them. */
const nobody: Activity = { waiting: 0, halfOpen: 0, established: 0, unreadMs: Infinity, quietMs: Infinity };

export class UnitRunner implements Runner {
  readonly name: string;
  readonly holds = false;
  readonly #parts: RunnerParts;
  readonly #manager: Manager;
  #prepared: PreparedSite;
  readonly #life: Living;
  readonly #record: SiteRecord;
  readonly #idleness: Idleness;
  readonly #note: StateNote;
  readonly #leases = new Set<Lease>();
  /** The unit as it was started, or found, last. Aborted when that is over. */
  #run = new AbortController();
  #deadline: NodeJS.Timeout | null = null;
  #ending = false;

  /** @throws WakesockError ERR_WAKESOCK_NOT_SUPPORTED: nothing that could be started */
  constructor(name: string, prepared: PreparedSite, parts: RunnerParts) {
    if (prepared.site.unit === null) throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `${name} has no Unit=: what serves it is always there, and nothing is to be woken`);
    if (parts.manager === null) throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `${name}: Unit=${prepared.site.unit} can only be started by systemd`);
    this.name = name;
    this.#parts = parts;
    this.#manager = parts.manager;
    this.#prepared = prepared;
    this.#record = new SiteRecord(name, parts);
    this.#life = new Living({
      name, now: parts.now, log: parts.log, changed: parts.changed, record: this.#record, carryOut: (effect) => this.#carryOut(effect),
    });
    this.#note = new StateNote(name, parts, () => ({
      pid: null, listening: this.#life.state.name === 'awake', stopping: this.#ending, toldMs: null, activeAtMs: this.#idleness.lastActiveMs,
      baselines: [], served: [], statusFlags: [],
    }));
    this.#idleness = new Idleness({
      now: parts.now,
      cameAndWent: parts.cameAndWent,
      idleMs: () => this.#prepared.site.idleMs,
      presentIdleMs: () => this.#prepared.site.idleMs,
      look: () => nobody,
      attended: () => this.#life.attended,
      used: () => this.#note.write(),
      idle: () => this.#life.dispatch({ type: 'sleep', force: false }),
      failed: (error) => parts.log.error(`${name} could not be looked at: it counts as used`, { site: name, ...describeError(error) }),
    });
  }

  get quiet(): boolean {
    return this.#life.quiet && !this.#idleness.leased;
  }

  /** systemd goes on with what it was asked for, and the next activator asks what became of it. */
  get busy(): boolean {
    return false;
  }

  get backoffLeftMs(): number {
    return this.#life.backoffLeftMs;
  }

  get #unit(): string {
    return this.#prepared.site.unit ?? '';
  }

  /** Takes over what an earlier activator started; what nobody of us has started stays as it is until somebody asks for it. */
  begin(): void {
    const state = this.#note.read();
    if (state === null) return;
    this.#idleness.begins(this.#parts.now() - Math.max(0, Date.now() - state.lastActiveMs));
    this.#ending = state.stopping;
    this.#life.dispatch({ type: 'found', as: state.stopping ? 'draining' : state.listening ? 'awake' : 'waking' });
    if (state.stopping) void this.#end(true);
    else if (state.listening) this.#watchEnd(this.#run.signal);
    else this.#start();
  }

  wake(by: string): Promise<void> {
    return this.#life.wake(by, true);
  }

  nextWake(): Promise<void> {
    return this.#life.nextWake();
  }

  resetFailed(): void {
    this.#life.resetFailed();
  }

  sleep(force: boolean): Promise<void> {
    return this.#life.sleep(force);
  }

  /** Granted when the unit is up: before that, and while it stops, nobody holds connections for it. It ends with the unit. */
  async lease(asked: LeaseAsked): Promise<LeaseGrant> {
    const endUse = this.#idleness.lease();
    this.#record.leaseAsked(asked, this.#life.state.name === 'waking');
    try {
      await this.#life.wake(asked.by, false);
    } catch (error) {
      endUse();
      throw error;
    }
    const held = new Lease();
    this.#leases.add(held);
    return {
      address: leaseAddress(this.#prepared.site.target),
      revoked: held.revoked,
      release: () => {
        this.#leases.delete(held);
        endUse();
        this.#parts.changed();
      },
    };
  }

  status(): SiteStatus {
    return {
      ...siteStatus(this.name, {
        state: this.#life.state, history: this.#record.history, prepared: this.#prepared, container: null, listeners: [],
        unit: writtenSocketUnit(this.name), established: () => 0,
      }),
      listen: this.#prepared.site.listen.map(({ text }) => text),
      connections: null,
    };
  }

  retire(): void {
    this.#life.retire();
    this.#run.abort();
    this.#idleness.end();
  }

  #carryOut(effect: RunnerEffect): void {
    switch (effect.type) {
      case 'launch':
        this.#record.wakeBegins(effect.by);
        this.#idleness.begins();
        this.#run = new AbortController();
        return this.#start();
      case 'attend':
        return this.#idleness.attend([]);
      case 'stop':
        return this.#stop(effect.force);
      case 'destroy':
        return void this.#end(true);
      case 'arm':
      case 'disarm':
      case 'refuse':
        // Its clients are the front door's.
    }
  }

  // --- waking

  #start(): void {
    const { signal } = this.#run;
    this.#ending = false;
    this.#note.write();
    this.#startUnit(signal).then(
      () => {
        if (signal.aborted || this.#life.state.name !== 'waking') return;
        this.#clearDeadline();
        this.#record.wakeEnds(false);
        this.#idleness.touch();
        this.#life.dispatch({ type: 'listening' });
        this.#note.write();
        this.#watchEnd(signal);
        this.#life.repeatSleep();
      },
      (error: unknown) => this.#startFailed(signal, describeError(error)),
    );
  }

  async #startUnit(signal: AbortSignal): Promise<void> {
    this.#prepared = await this.#parts.prepared(this.name);
    const { startTimeoutMs } = this.#prepared.site;
    if (this.#unit === '') throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `${this.name} has no Unit= any more; run \`wakesock enable ${this.name}\``);
    this.#deadline = setTimeout(() => this.#startFailed(signal, {
      code: 'ERR_WAKESOCK_START_TIMEOUT', message: `${this.#unit} was not up within ${startTimeoutMs} ms (TimeoutStartSec=)`,
    }), startTimeoutMs);
    try {
      await onBus(signal, () => this.#manager.startUnit(this.#unit));
    } catch (error) {
      throw new WakesockError(error instanceof WakesockError && error.code === 'ERR_WAKESOCK_BUS' ? error.code : 'ERR_WAKESOCK_SYSTEMD',
        `${describeError(error).message}. See: journalctl -u ${this.#unit}`, { cause: error });
    }
  }

  #startFailed(signal: AbortSignal, error: SiteError): void {
    this.#clearDeadline();
    if (!signal.aborted) this.#life.dispatch({ type: 'launchFailed', error });
  }

  #clearDeadline(): void {
    if (this.#deadline) clearTimeout(this.#deadline);
    this.#deadline = null;
  }

  // --- awake

  /** Whoever stops it, or however it ends. One that is restarted goes on. */
  #watchEnd(signal: AbortSignal): void {
    const ended = async (): Promise<void> => {
      for (;;) {
        await onBus(signal, () => this.#manager.waitUnitState(this.#unit, (state) => state === 'inactive' || state === 'failed'));
        const job = await onBus(signal, () => this.#manager.jobType(this.#unit));
        if (job !== 'start' && job !== 'restart') return;
        await onBus(signal, () => this.#manager.startUnit(this.#unit));
      }
    };
    ended().catch((error: unknown) => {
      if (!signal.aborted) this.#parts.log.error(`${this.#unit} is not followed any more`, { site: this.name, ...describeError(error) });
    }).finally(() => {
      if (!signal.aborted) void this.#end(false);
    });
  }

  // --- stopping

  #stop(force: boolean): void {
    if (!force && !(this.#life.sleepAsked ? this.#idleness.isNobodyNow(nobody) : this.#idleness.isQuiet(nobody))) {
      this.#idleness.wasInUse();
      this.#life.notStopped(new WakesockError('ERR_WAKESOCK_BUSY', `${this.name} is in use; --force closes its connections`), force);
      return;
    }
    this.#ending = true;
    this.#note.write();
    this.#life.dispatch({ type: 'stopping' });
    void this.#end(true);
  }

  /** @param stop it may still be up */
  async #end(stop: boolean): Promise<void> {
    this.#run.abort();
    this.#run = new AbortController();
    const { signal } = this.#run;
    this.#idleness.end();
    this.#clearDeadline();
    try {
      if (stop) await onBus(signal, () => this.#manager.stopUnit(this.#unit));
    } catch (error) {
      if (signal.aborted) return;
      this.#parts.log.error(`${this.#unit} could not be stopped`, { site: this.name, ...describeError(error) });
    }
    this.#note.remove();
    this.#ending = false;
    for (const lease of this.#leases) lease.revoke();
    this.#leases.clear();
    this.#life.dispatch({ type: 'gone' });
  }
}

class Lease {
  revoke!: () => void;
  readonly revoked = new Promise<void>((resolve) => { this.revoke = resolve; });
}

function leaseAddress(target: ListenAddress | null): LeaseAddress {
  if (target === null) throw new TypeError('A relayed site without a target');
  return leaseAddressOf(target);
}
