/**
 * One site at run time. What happens, and what others ask for, goes to the reducer (living.ts); what it decides is carried out by the parts of this
 * site: waking.ts, stopping.ts, clearing.ts. Nothing here decides on its own what state a site is in.
 */
import { WakesockError, describeError } from '../base/errors.ts';
import type { PreparedSite } from '../base/site.ts';
import type { LeaseAsked } from '../control/backend.ts';
import { leaseAddressOf } from '../control/lease-address.ts';
import type { LeaseAddress, SiteStatus } from '../control/types.ts';
import { Cgroup } from '../runtime/cgroup.ts';
import type { Listener } from '../sockets/listener.ts';
import type { SiteSockets } from '../sockets/site-sockets.ts';
import { storedKinds } from '../systemd/fd-names.ts';
import { scopeName, writtenSocketUnit } from '../systemd/unit-names.ts';
import { BlockingModes } from './blocking-modes.ts';
import { Clearing } from './clearing.ts';
import { Container } from './container.ts';
import { leftBehind, survivor, type LeftBehind } from './left-behind.ts';
import { Living, type RunnerEffect } from './living.ts';
import type { RunnerParts, StoredFds } from './parts.ts';
import { Program } from './program.ts';
import type { Runner } from './runner.ts';
import { SiteRecord } from './site-record.ts';
import { siteStatus } from './site-status.ts';
import { Stopping } from './stopping.ts';
import { takeOver } from './taking-over.ts';
import { Waking } from './waking.ts';

export class SiteRunner implements Runner {
  readonly name: string;
  readonly #parts: RunnerParts;
  readonly #life: Living;
  readonly #record: SiteRecord;
  readonly #program: Program;
  readonly #modes: BlockingModes;
  readonly #waking: Waking;
  readonly #stopping: Stopping;
  readonly #clearing: Clearing;

  constructor(name: string, listeners: readonly Listener[], parts: RunnerParts) {
    this.name = name;
    this.#parts = parts;
    this.#record = new SiteRecord(name, parts);
    this.#life = new Living({
      name, now: parts.now, log: parts.log, changed: parts.changed, record: this.#record, carryOut: (effect) => this.#carryOut(effect),
    });
    const [life, record, program] = [this.#life, this.#record, new Program(name, listeners, parts, this.#life)];
    this.#program = program;
    this.#modes = new BlockingModes(life, program, parts.log);
    this.#waking = new Waking(parts, { life, record, program, modes: this.#modes, ended: () => this.#clearing.begin() });
    this.#stopping = new Stopping(life, program, this.#modes, parts.log);
    this.#clearing = new Clearing(parts, life, program, this.#waking);
  }

  get sockets(): SiteSockets {
    return this.#program.sockets;
  }

  get quiet(): boolean {
    return this.#life.quiet && !this.#program.idleness.leased && !this.#clearing.underWay;
  }

  get busy(): boolean {
    const { name } = this.#life.state;
    return name === 'waking' || name === 'draining' || this.#life.unsettled || this.#clearing.underWay;
  }

  /** Held for a program that ends, or on a socket that is only ours. */
  get holds(): boolean {
    return (this.#life.state.name === 'draining' && this.sockets.held) || this.sockets.spareWaiting;
  }

  get backoffLeftMs(): number {
    return this.#life.backoffLeftMs;
  }

  /**
   * The activator ends: nothing is begun any more, what is not committed is undone, and clients wait for the next one.
   *
   * @param successor whether that is started at once. If not, the hold of a stop that is not over ends too, however long it was
   * waited for: better a client for a program on its way out than a site that is deaf for ever.
   */
  retire(successor: boolean): void {
    const { state, unsettled } = this.#life;
    this.#life.retire();
    this.#modes.end();
    if (unsettled) this.#program.container?.cgroup?.thaw();
    if (unsettled || (state.name === 'draining' && !successor)) this.sockets.release(false);
  }

  /** Gives up its sockets: it sleeps, and whoever asks for it again gets a new one. */
  close(): void {
    this.#life.retire();
    this.sockets.close();
  }

  /** Begins the life of this runner: takes over what an earlier activator left, or waits for the first client. */
  begin(stored: StoredFds): void {
    try {
      this.#begin(stored);
    } catch (error) {
      // It would stay deaf or frozen, and no client could bring the next activator about.
      this.#parts.log.error(`${this.name} could not be taken over: what is left of it is ended`, { site: this.name, ...describeError(error) });
      if (this.#program.container === null) this.#program.found(this.#newContainer());
      this.#life.dispatch({ type: 'orphan' });
      this.#clearing.begin();
    }
  }

  nextWake(): Promise<void> {
    return this.#life.nextWake();
  }

  wake(by: string): Promise<void> {
    return this.#life.wake(by, true);
  }

  resetFailed(): void {
    this.#life.resetFailed();
  }

  sleep(force: boolean): Promise<void> {
    return this.#life.sleep(force);
  }

  /** Keeps the site awake until the returned function is called. */
  lease(asked: LeaseAsked): { address: LeaseAddress; release: () => void } {
    const address = this.sockets.listeners[0]?.address;
    if (address === undefined || address.family === 'other') throw new WakesockError('ERR_WAKESOCK_SOCKET', `${this.name} has no socket`);
    const end = this.#program.idleness.lease();
    this.#record.leaseAsked(asked, this.#life.state.name === 'waking');
    // Nobody waits for the answer: the holder connects, and its connection waits in the backlog.
    this.#life.wake(asked.by, false).catch(() => {});
    let held = true;
    return {
      address: leaseAddressOf(address),
      release: () => {
        if (!held) return;
        held = false;
        end();
        this.#parts.changed();
      },
    };
  }

  status(): SiteStatus {
    return siteStatus(this.name, {
      state: this.#life.state,
      history: this.#record.history,
      prepared: this.#known(),
      container: this.#program.container,
      listeners: this.sockets.listeners,
      unit: this.#parts.manager ? writtenSocketUnit(this.name) : null,
      established: () => this.#program.look().established,
    });
  }

  notifyFdArrived(fd: number, pid: number): boolean {
    return this.#waking.notifyFdArrived(fd, pid);
  }

  /** The activator is about to end. */
  noteFlags(): void {
    this.#program.noteFlags();
  }

  #carryOut(effect: RunnerEffect): void {
    switch (effect.type) {
      case 'arm':
        return this.sockets.arm();
      case 'disarm':
        return this.sockets.disarm();
      case 'launch':
        return this.#waking.launch(this.#newContainer(), effect.by);
      case 'attend':
        return this.#program.attend();
      case 'stop':
        return this.#stopping.stop(effect.force);
      case 'destroy':
        return this.#clearing.begin();
      case 'refuse':
        return this.#refuse();
    }
  }

  #refuse(): void {
    const refused = this.sockets.refuse();
    if (refused > 0) this.#parts.log.warn('Closed waiting connections of a failed site', { site: this.name, connections: refused });
  }

  // --- taking over

  #begin(stored: StoredFds): void {
    const { left: noted } = this.#program;
    this.sockets.undoLeftovers(stored.spares, noted?.stopping === true, noted?.served);
    const left = leftBehind(noted, stored, this.#cgroup());
    if (!left.midStop) left.cgroup?.thaw();
    if (noted === null && !left.cgroup && !this.#parts.crun.knows(this.name)) {
      this.#giveUp(stored);
      this.sockets.arm();
      return;
    }
    this.#takeOver(left);
  }

  #takeOver(left: LeftBehind): void {
    const { state: noted, stored, cgroup, midStop } = left;
    const { readiness, idleness, ending } = this.#program;
    const container = new Container(cgroup, this.#parts.poller);
    this.#program.found(container);
    this.#program.prepared = this.#preparedNow();
    const alive = survivor(left);
    readiness.listensOn(...noted?.listened ?? []);
    const outcome = takeOver({
      noted, scope: cgroup !== null, alive: alive !== null, handoff: this.#program.site?.handoff ?? null, notify: stored.notify !== null,
      complete: readiness.complete, serves: () => idleness.serves,
    });
    if (alive === null || outcome.kind === 'end') {
      stored.closeContainer();
      if (outcome.kind === 'end' && outcome.hold) this.#stopping.holdAgain();
      this.#life.dispatch({ type: 'orphan' });
      return;
    }
    this.#program.crippled = outcome.crippled;
    if (outcome.crippled) this.#parts.log.warn(`${this.name} is stopped as soon as it serves nobody: what an earlier activator kept of it is lost`, { site: this.name });
    container.isProcess(alive.pid);
    this.#modes.putBack(container, noted?.statusFlags);
    this.#waking.watchExit(container, true);
    const sink = this.#parts.lines(this.name, () => container.process?.pid ?? null);
    if (stored.stdout !== null) container.output.follow(this.#parts.poller, stored.stdout, 'stdout', sink);
    if (stored.stderr !== null) container.output.follow(this.#parts.poller, stored.stderr, 'stderr', sink);
    idleness.begins(this.#parts.now() - Math.max(0, Date.now() - (noted?.lastActiveMs ?? Date.now())));
    if (outcome.listening) readiness.listensOn(...this.sockets.listeners.map(({ inode }) => inode));
    if (outcome.starting) readiness.setDeadline(this.#program.site?.startTimeoutMs ?? Infinity);
    if (noted?.stopping) ending.begins(noted.toldMs ?? null);
    this.#life.dispatch({ type: 'found', as: outcome.as });
    this.#stopping.takenOver(container, midStop);
    this.#waking.takeOver(container, stored.notify);
    // Last: until it is thawed whoever finds it frozen must know better than to take it for the midst of a stop.
    if (!midStop) this.#modes.interrupt(container);
    this.#modes.watch(container);
  }

  /** Nothing is left of the container: the next one's descriptors have the same names in the store. */
  #giveUp(stored: StoredFds): void {
    stored.closeContainer();
    for (const kind of storedKinds) if (stored[kind] !== null) this.#parts.fdStore.drop(`${kind}=${this.name}`);
  }

  /** Of a site that this activator has not woken, what was prepared. */
  #known(): PreparedSite | null {
    try {
      return this.#program.prepared ?? this.#parts.preparedNow(this.name);
    } catch {
      return null;
    }
  }

  #preparedNow(): PreparedSite | null {
    try {
      return this.#parts.preparedNow(this.name);
    } catch (error) {
      this.#parts.log.error('What is prepared of a running site cannot be read', { site: this.name, ...describeError(error) });
      return null;
    }
  }

  #newContainer(): Container {
    return new Container(this.#cgroup(), this.#parts.poller);
  }

  #cgroup(): Cgroup | null {
    return this.#parts.sliceDir === null ? null : new Cgroup(`${this.#parts.sliceDir}/${scopeName(this.name)}`, this.#parts.poller);
  }
}
