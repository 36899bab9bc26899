/**
 * One site at run time: reports what happens to the reducer (lifecycle/) and carries out what it decides, with the parts
 * of wake/, idle/, sockets/ and runtime/. Nothing here decides on its own what state a site is in.
 */
import { existsSync } from 'node:fs';
import type { Effect, Event, SiteError } from '../lifecycle/lifecycle.ts';
import { Adoption } from '../wake/adoption.ts';
import { mendEpoll } from '../wake/epoll-mend.ts';
import { beginStop, finishStop, interruptCalls } from '../idle/stop.ts';
import { lookAt } from '../idle/activity.ts';
import { Idleness } from '../idle/idleness.ts';
import { Cgroup } from '../runtime/cgroup.ts';
import { SiteSockets } from '../sockets/site-sockets.ts';
import type { Listener } from '../sockets/listener.ts';
import { freezeMsMax } from '../base/limits.ts';
import { WakesockError, describeError } from '../base/errors.ts';
import type { PreparedSite } from '../base/site.ts';
import { BackoffError, type LeaseAsked } from '../control/backend.ts';
import { leaseAddressOf } from '../control/lease-address.ts';
import type { LeaseAddress, SiteStatus } from '../control/types.ts';
import { storedKinds } from '../systemd/fd-names.ts';
import { scopeName, writtenSocketUnit } from '../systemd/unit-names.ts';
import { modesOf, watchModes } from './blocking-modes.ts';
import { clearAway } from './clear-away.ts';
import { Container } from './container.ts';
import { Ending } from './ending.ts';
import { rememberShutsListener } from './history.ts';
import { isWhole, leftBehind, survivor, type LeftBehind } from './left-behind.ts';
import { processIdentity, readRuntimeState, removeRuntimeState, writeRuntimeState } from './runtime-state.ts';
import { Readiness } from './readiness.ts';
import { SiteRecord } from './site-record.ts';
import { siteStatus } from './site-status.ts';
import { killAll, startContainer, whyNotStarted } from './starting.ts';
import { Waiters } from './waiters.ts';
import { Living } from './living.ts';
import type { RunnerParts, StoredFds } from './parts.ts';
import type { Runner } from './runner.ts';

const UNSERVED_IDLE_MS = 1_000;
/** Sockets that could not be watched are tried again after this: descriptors come back when a site stops. */
const REARM_MS = 1_000;
export class SiteRunner implements Runner {
  readonly name: string;
  readonly sockets: SiteSockets;
  readonly #parts: RunnerParts;
  readonly #life: Living;
  readonly #record: SiteRecord;
  readonly #idleness: Idleness;
  readonly #readiness: Readiness;
  readonly #waiters = new Waiters();
  #prepared: PreparedSite | null = null;
  #container: Container | null = null;
  #launching: { readonly done: Promise<void>; readonly abort: AbortController } | null = null;
  #clearing: Promise<void> | null = null;
  #savedFlags = '';
  /** It was found without what belongs to it: it serves whom it has, and is stopped as soon as there is nobody. */
  #crippled = false;
  /** An earlier activator started it. */
  #takenOver = false;
  readonly #ending = new Ending();
  /** Settled, unless the program is frozen for an instant. */
  #interrupted: Promise<void> = Promise.resolve();
  #retired = false;
  /** The last lease, until a wake begins. */
  #asked: LeaseAsked | null = null;

  constructor(name: string, listeners: readonly Listener[], parts: RunnerParts) {
    this.name = name;
    this.#parts = parts;
    this.#record = new SiteRecord(name, parts);
    this.#life = new Living({
      name, now: parts.now, log: parts.log, changed: parts.changed, record: this.#record,
      carryOut: (effect) => this.#carryOut(effect), report: (event) => this.#dispatch(event), notArmed: () => void setTimeout(() => this.#rearm(), REARM_MS),
    });
    const stored = readRuntimeState(parts.paths, name);
    this.sockets = new SiteSockets(listeners, stored?.baselines ?? [], parts.poller, {
      readable: () => this.#dispatch({ type: 'readable' }),
      unserved: () => this.#idleness.lookSoon(),
      shutDown: (listener, healed) => this.#afterShutDown(listener, healed),
      spareMade: (fd, inode) => parts.fdStore.keep(`spare.${inode}=${name}`, [fd]),
      spareDropped: (inode) => parts.fdStore.drop(`spare.${inode}=${name}`),
    });
    this.#readiness = new Readiness({
      prepared: () => this.#prepared,
      listeners: () => this.sockets.listeners,
      serves: () => this.#life.state.name === 'awake' && (this.#idleness.served || this.#idleness.serves || this.sockets.waiting() === 0),
      late: (error) => this.#dispatch({ type: 'launchFailed', error }),
    });
    this.#idleness = new Idleness({
      now: parts.now,
      cameAndWent: parts.cameAndWent,
      idleMs: () => this.#prepared?.site.idleMs ?? Infinity,
      presentIdleMs: () => this.#presentIdleMs,
      look: () => lookAt(this.sockets.served),
      attended: () => this.#life.state.name === 'awake' && !this.#life.state.stopping,
      used: () => this.#saveRunning(),
      idle: () => this.#dispatch({ type: 'sleep', force: false }),
    });
  }

  /** Nothing to do, nothing to wait for: not even the end of a back-off. */
  get quiet(): boolean {
    const { state } = this.#life;
    if (this.#idleness.leased || this.#clearing || !this.#waiters.none) return false;
    return state.name === 'dormant' || (state.name === 'failed' && this.#parts.now() >= state.untilMs);
  }

  /** In the middle of something that a new activator would have to begin again. */
  get busy(): boolean {
    const { state } = this.#life;
    return state.name === 'waking' || state.name === 'draining' || (state.name === 'awake' && state.stopping) || this.#clearing !== null;
  }

  /** Clients wait where systemd does not see them: held for a program that ends, or on a socket that is only ours. */
  get holds(): boolean {
    return (this.#life.state.name === 'draining' && this.sockets.held) || this.sockets.spareWaiting;
  }

  /** Milliseconds until a failed site may be tried again; 0 where it may. */
  get backoffLeftMs(): number {
    const { state } = this.#life;
    return state.name === 'failed' ? Math.max(0, state.untilMs - this.#parts.now()) : 0;
  }

  /**
   * The activator ends: nothing is begun any more, what is not committed is undone, and clients wait for the next one.
   *
   * @param successor whether that is started at once. If not, the hold of a stop that is not over ends too, however long it was
   * waited for: better a client for a program on its way out than a site that is deaf for ever.
   */
  retire(successor: boolean): void {
    this.#retired = true;
    const { state } = this.#life;
    const unsettled = state.name === 'awake' && state.stopping;
    if (unsettled) this.#container?.cgroup?.thaw();
    if (unsettled || (state.name === 'draining' && !successor)) this.sockets.release(false);
    this.#sendAway();
  }

  /** Gives up its sockets: it sleeps, and whoever asks for it again gets a new one. */
  close(): void {
    this.#retired = true;
    this.sockets.close();
  }

  #sendAway(): void {
    this.#waiters.sendAway(new WakesockError('ERR_WAKESOCK_NOT_RUNNING', 'The activator ends'));
  }

  /** Begins the life of this runner: takes over what an earlier activator left, or waits for the first client. */
  begin(stored: StoredFds): void {
    try {
      this.#begin(stored);
    } catch (error) {
      // It would stay deaf or frozen, and no client could bring the next activator about.
      this.#parts.log.error(`${this.name} could not be taken over: what is left of it is ended`, { site: this.name, ...describeError(error) });
      this.#container ??= new Container(this.#cgroup(), this.#parts.poller);
      this.#dispatch({ type: 'orphan' });
      void this.#clear();
    }
  }

  #begin(stored: StoredFds): void {
    const state = readRuntimeState(this.#parts.paths, this.name);
    this.sockets.undoLeftovers(stored.spares, state?.stopping === true, state?.served);
    const left = leftBehind(state, stored, this.#cgroup());
    if (!left.midStop) left.cgroup?.thaw();
    if (state === null && !left.cgroup && !this.#parts.crun.knows(this.name)) {
      this.#giveUp(stored);
      this.sockets.arm();
      return;
    }
    this.#takeOver(left);
  }

  /** Resolves when a wake has ended, well or not. */
  async nextWake(): Promise<void> {
    await this.#waiters.untilAwake().catch(() => {});
  }

  wake(by: string): Promise<void> {
    return this.#wake(by, true);
  }

  /** Resolves when the site is awake; @throws WakesockError why it is not */
  #wake(by: string, atOnce: boolean): Promise<void> {
    const awake = this.#waiters.untilAwake();
    this.#dispatch({ type: 'wake', by, atOnce });
    return awake;
  }

  resetFailed(): void {
    this.#record.resetFailed();
    this.#dispatch({ type: 'resetFailed' });
  }

  /** Resolves when the site is dormant. @throws WakesockError ERR_WAKESOCK_BUSY */
  sleep(force: boolean): Promise<void> {
    const asleep = this.#waiters.untilAsleep(force);
    this.#dispatch({ type: 'sleep', force });
    return asleep;
  }

  /** Keeps the site awake until the returned function is called. */
  lease(asked: LeaseAsked): { address: LeaseAddress; release: () => void } {
    const address = this.sockets.listeners[0]?.address;
    if (address === undefined || address.family === 'other') throw new WakesockError('ERR_WAKESOCK_SOCKET', `${this.name} has no socket`);
    const end = this.#idleness.lease();
    // Nobody waits for the answer: the holder connects, and its connection waits in the backlog.
    this.#asked = asked;
    const { state } = this.#life;
    this.#record.wokenFor(asked, state.name === 'waking');
    this.#wake(asked.by, false).catch(() => {});
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
      container: this.#container,
      listeners: this.sockets.listeners,
      unit: this.#parts.manager ? writtenSocketUnit(this.name) : null,
      established: () => lookAt(this.sockets.served).established,
    });
  }

  /** A seccomp notify descriptor of this site's container, sent by crun. */
  notifyFdArrived(fd: number, pid: number): boolean {
    // crun may have ended before its message is read, and its program with it: then the next one is not to be taken for that.
    if (!this.#container || this.#container.notifyFd !== null || this.#life.state.name !== 'waking' || processIdentity(pid) === null) return false;
    this.#record.phase('go');
    this.#parts.fdStore.keep(`notify=${this.name}`, [fd]);
    this.#container.isProcess(pid);
    this.#watchExit(this.#container);
    this.#answerFrom(this.#container, fd);
    return true;
  }

  #dispatch(event: Event): void {
    if (this.#retired) return this.#sendAway();
    this.#life.dispatch(event);
  }

  #rearm(): void {
    const { name } = this.#life.state;
    if (!this.#retired && (name === 'dormant' || name === 'failed')) this.#life.carryOut({ type: 'arm' });
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'arm':
        return this.sockets.arm();
      case 'disarm':
        return this.sockets.disarm();
      case 'launch':
        return this.#launch(effect.by);
      case 'attend':
        return this.#attend();
      case 'stop':
        return void this.#stop(effect.force).catch((error: unknown) => this.#stopFailed(effect.force, error));
      case 'destroy':
        return void this.#clear();
      case 'refuse':
        return this.#refuse();
      case 'settle':
        return this.#settle(effect.error);
    }
  }

  // --- waking

  #launch(by: string): void {
    this.#record.wakeBegins(by, this.#asked?.by === by ? this.#asked.cause : null);
    this.#asked = null;
    this.#parts.gracePeriod?.begin();
    this.#readiness.begins();
    this.#idleness.begins();
    this.#crippled = false;
    this.#takenOver = false;
    const abort = new AbortController();
    const container = new Container(this.#cgroup(), this.#parts.poller);
    this.#container = container;
    this.sockets.choose();
    const done = this.#runLaunch(container, abort.signal).then(
      () => {},
      (error: unknown) => this.#launchFailed(container, error),
    );
    this.#launching = { done, abort };
  }

  async #runLaunch(container: Container, signal: AbortSignal): Promise<void> {
    const pid = await startContainer(this.name, container, () => this.sockets.listeners.map(({ fd }) => fd), signal, this.#parts, {
      prepared: (prepared) => {
        this.#prepared = prepared;
        this.#readiness.setDeadline(prepared.site.startTimeoutMs);
        this.#saveState(null);
      },
      reached: (phase) => this.#record.phase(phase),
      hindered: (error) => this.#hindered(error),
    });
    this.#launching = null;
    container.isProcess(pid);
    this.#watchExit(container);
    this.#saveState(pid);
    if (this.#prepared?.site.handoff === 'listen-fds') this.#nowListening();
  }

  #hindered(error: WakesockError | null): void {
    if (error && this.#readiness.hindrance === null) this.#parts.log.warn(`${this.name} waits for the bus: ${error.message}`, { site: this.name, code: error.code });
    this.#readiness.hindrance = error && describeError(error);
  }

  #launchFailed(container: Container, error: unknown): void {
    this.#launching = null;
    if (this.#container !== container) return;
    this.#startFailed(container, error);
  }

  #startFailed(container: Container, error: unknown): void {
    void whyNotStarted(this.name, container, error, this.#parts).then((explained) => {
      if (this.#container === container) this.#dispatch({ type: 'launchFailed', error: explained });
    });
  }

  #answerFrom(container: Container, fd: number): void {
    const adoption = new Adoption(fd, () => this.sockets.all, () => this.#readiness.pairings, {
      // Its blocking mode is lost when the next activator is started. Most often it is the one that was noted before.
      giving: () => {
        if (this.sockets.statusFlags.join() !== this.#savedFlags) this.#saveState(container.process?.pid ?? null);
      },
      willListen: (listener) => {
        this.#readiness.listensOn(listener.inode);
        if (this.#life.state.name !== 'waking') return;
        // Before it is told: it may have answered its client by the time that we go on.
        if (this.#readiness.complete) this.#record.phase('listen');
        this.#idleness.touch();
        this.#saveState(container.process?.pid ?? null);
      },
      listening: () => {
        if (this.#readiness.complete) this.#nowListening();
      },
      failed: (error) => this.#dispatch({ type: 'launchFailed', error: describeError(error) }),
      shutdownRefused: () => this.#parts.log.debug('The program tried to shut its listener down', { site: this.name }),
      mendEpoll,
    });
    container.hasNotifyFd(fd, () => adoption.answerOne());
  }

  #nowListening(): void {
    if (this.#life.state.name !== 'waking') return;
    this.#readiness.announced();
    this.#record.wakeEnds(this.#prepared?.site.handoff !== 'listen-fds');
    this.#idleness.touch();
    this.#dispatch({ type: 'listening' });
    this.#saveState(this.#container?.process?.pid ?? null);
    if (this.#takenOver && this.#container) this.#watchModes(this.#container);
    const { sleep } = this.#waiters;
    if (sleep) this.#dispatch({ type: 'sleep', ...sleep });
  }

  #refuse(): void {
    const refused = this.sockets.refuse();
    if (refused > 0) this.#parts.log.warn('Closed waiting connections of a failed site', { site: this.name, connections: refused });
  }

  // --- awake

  #attend(): void {
    this.sockets.guard();
    this.#idleness.attend(this.sockets.listeners.flatMap(({ address }) => (address.family === 'ipv4' || address.family === 'ipv6' ? [address] : [])));
  }

  /** Somebody who waits on the socket that this program does not serve is not made to wait for the whole idle time. */
  get #presentIdleMs(): number {
    const idleMs = this.#prepared?.site.idleMs ?? Infinity;
    return this.sockets.unservedWaiting || this.#crippled ? Math.min(idleMs, UNSERVED_IDLE_MS) : idleMs;
  }

  // --- stopping

  async #stop(force: boolean): Promise<void> {
    const container = this.#container;
    const process = container?.process;
    if (!container || !process) return this.#notStopped(force);
    await this.#interrupted;
    // Nobody would be left to undo it.
    if (this.#retired) return this.#notStopped(force);
    const outcome = await beginStop({
      ...process,
      cgroup: container.cgroup,
      hold: () => this.sockets.hold(),
      unhold: () => void this.sockets.release(false),
      look: () => lookAt(this.sockets.served),
      // It may have ended by itself while it was being frozen: then there is nobody to stop.
      quiet: (activity) => !this.#retired && this.#container === container && container.process !== null
        && (force || (this.#waiters.sleep ? this.#idleness.isNobodyNow(activity) : this.#idleness.isQuiet(activity))),
      committed: () => {
        this.#idleness.end();
        this.#ending.begins();
        this.#saveState(process.pid);
        this.#dispatch({ type: 'stopping' });
      },
    }, this.#prepared?.site.stopSignal ?? 'TERM');
    if (outcome === 'inUse') return this.#notStopped(force);
    if (outcome === 'signalled') this.#told(container);
  }

  /** The program knows that it is to end. Noted at once: to most programs a second stop signal means to drop everybody. */
  #told(container: Container): void {
    this.#ending.told();
    this.#saveState(container.process?.pid ?? null);
    this.#ending.limit(container, this.#prepared?.site ?? null);
  }

  #notStopped(force: boolean): void {
    const why = force ? `could not be frozen within ${freezeMsMax} ms, or is ending by itself` : 'is in use; --force closes its connections';
    this.#waiters.notAsleep(new WakesockError('ERR_WAKESOCK_BUSY', `${this.name} ${why}`), force);
    this.#idleness.wasInUse();
    this.#dispatch({ type: 'inUse' });
  }

  /** Nothing was begun: it is tried again at the next look, not at once. */
  #stopFailed(force: boolean, error: unknown): void {
    this.#parts.log.error(`${this.name} could not be stopped`, { site: this.name, ...describeError(error) });
    const { code, message } = describeError(error);
    this.#waiters.notAsleep(new WakesockError(code, message), force);
    this.#idleness.touch();
    this.#dispatch({ type: 'inUse' });
  }

  /** @param takenOver an earlier activator has told of what was killed before */
  #watchExit(container: Container, takenOver = false): void {
    if (this.#parts.oomKills) container.watchOomKills(this.#parts.oomKills, takenOver, (count) => this.#record.oomKilled(count));
    void container.exited.then(() => {
      if (this.#container !== container) return;
      if (this.#life.state.name !== 'waking') return void this.#clear();
      this.#startFailed(container, new WakesockError('ERR_WAKESOCK_EXITED', 'The program ended before it listened'));
    });
  }

  /** Ends what is left of the container, puts the sockets back as they were, and reports that it is gone. */
  #clear(): Promise<void> {
    this.#clearing ??= this.#clearOnce()
      .finally(() => {
        this.#clearing = null;
        this.#container = null;
        this.#dispatch({ type: 'gone' });
      });
    return this.#clearing;
  }

  async #clearOnce(): Promise<void> {
    const container = this.#container;
    const { crun, fdStore, paths, log } = this.#parts;
    this.#readiness.clearDeadline();
    await clearAway(this.name, log, [() => this.#idleness.end()]);
    if (this.#launching) {
      this.#launching.abort.abort();
      await this.#launching.done;
    }
    await clearAway(this.name, log, container ? [() => killAll(this.name, container, crun), () => container.untilGone()] : []);
    this.#ending.over();
    await clearAway(this.name, log, [
      () => this.sockets.disarm(),
      () => {
        const changed = this.sockets.release(true);
        if (changed.length > 0) log.debug('Undid what the program did to its socket', { site: this.name, changed: changed.join(' ') });
        if (changed.includes('shutdown')) this.#remember();
      },
      ...storedKinds.map((kind) => () => fdStore.drop(`${kind}=${this.name}`)),
      () => crun.delete(this.name),
      () => {
        removeRuntimeState(paths, this.name);
      },
      () => this.sockets.verify(),
    ]);
  }

  // --- taking over

  #takeOver(left: LeftBehind): void {
    const { state, stored, cgroup, midStop } = left;
    const container = new Container(cgroup, this.#parts.poller);
    this.#container = container;
    this.#prepared = this.#preparedNow();
    const alive = survivor(left);
    this.#readiness.listensOn(...state?.listened ?? []);
    // What was handed its socket may have accepted somebody since crun started it, whether that was noted or not. And an
    // activator that was about to end has answered the last `listen`, but the site became nothing any more.
    const listening = state?.listening === true || this.#prepared?.site.handoff === 'listen-fds' || this.#idleness.serves || this.#readiness.complete;
    this.#crippled = !isWhole(left, this.#prepared);
    if (alive === null || (this.#crippled && !this.#idleness.serves)) {
      stored.closeContainer();
      // It serves until it is dead.
      if (alive !== null || container.cgroup) this.#holdAgain();
      this.#dispatch({ type: 'orphan' });
      return;
    }
    if (this.#crippled) this.#parts.log.warn(`${this.name} is stopped as soon as it serves nobody: what an earlier activator kept of it is lost`, { site: this.name });
    container.isProcess(alive.pid);
    this.sockets.statusFlags = modesOf(this.sockets, container, state?.statusFlags);
    this.#watchExit(container, true);
    const sink = this.#parts.lines(this.name, () => container.process?.pid ?? null);
    if (stored.stdout !== null) container.output.follow(this.#parts.poller, stored.stdout, 'stdout', sink);
    if (stored.stderr !== null) container.output.follow(this.#parts.poller, stored.stderr, 'stderr', sink);
    this.#idleness.begins(this.#parts.now() - Math.max(0, Date.now() - (state?.lastActiveMs ?? Date.now())));
    if (listening) this.#readiness.listensOn(...this.sockets.listeners.map(({ inode }) => inode));
    // It was being started.
    if (!listening || state?.process === null) this.#readiness.setDeadline(this.#prepared?.site.startTimeoutMs ?? Infinity);
    if (state?.stopping) this.#ending.begins(state.toldMs ?? null);
    this.#dispatch({ type: 'found', as: this.#ending.begun ? 'draining' : listening ? 'awake' : 'waking' });
    if (this.#ending.begun) this.#holdAgain();
    const outcome = midStop && container.process ? finishStop({ ...container.process, cgroup: container.cgroup }, this.#prepared?.site.stopSignal ?? 'TERM') : 'signalled';
    if (this.#ending.begun && outcome === 'signalled') this.#told(container);
    else this.#saveState(alive.pid);
    if (stored.notify !== null) this.#answerFrom(container, stored.notify);
    // Last: until it is thawed whoever finds it frozen must know better than to take it for the midst of a stop.
    if (container.cgroup && !midStop) this.#interrupted = interruptCalls(container.cgroup);
    this.#takenOver = true;
    this.#watchModes(container);
  }

  /** An activator that was told to end, with nobody to come after it, let the clients of its last stops go. */
  #holdAgain(): void {
    try {
      this.sockets.hold();
    } catch (error) {
      this.#parts.log.error(`Clients of ${this.name} could not be held`, { site: this.name, ...describeError(error) });
    }
  }

  /** A program whose socket was blocking for a while may be waiting in accept(2) by now: that call is made anew. */
  #watchModes(container: Container): void {
    watchModes(() => {
      const { state } = this.#life;
      if (this.#container !== container || !container.process) return false;
      const modes = modesOf(this.sockets, container);
      const frozen = state.name === 'awake' && state.stopping;
      if (!frozen && modes.join() !== this.sockets.statusFlags.join()) {
        this.sockets.statusFlags = modes;
        this.noteFlags();
        if (container.cgroup) this.#interrupted = interruptCalls(container.cgroup);
      }
      return true;
    });
  }

  /** Nothing is left of the container: the next one's descriptors have the same names in the store. */
  #giveUp(stored: StoredFds): void {
    stored.closeContainer();
    for (const kind of storedKinds) if (stored[kind] !== null) this.#parts.fdStore.drop(`${kind}=${this.name}`);
  }

  /** Of a site that this activator has not woken, what was prepared. */
  #known(): PreparedSite | null {
    try {
      return this.#prepared ?? this.#parts.preparedNow(this.name);
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

  /** A program that was handed its socket sets the blocking mode when it likes. */
  noteFlags(): void {
    if (this.sockets.statusFlags.join() !== this.#savedFlags) this.#saveRunning();
  }

  #saveRunning(): void {
    const { state } = this.#life;
    if (state.name === 'awake' && !state.stopping && this.#container?.process) this.#saveState(this.#container.process.pid);
  }

  #saveState(pid: number | null): void {
    const { name } = this.#life.state;
    try {
      writeRuntimeState(this.#parts.paths, this.name, {
        version: 1,
        process: pid === null ? null : processIdentity(pid),
        listening: name === 'awake' || (name === 'waking' && this.#readiness.complete),
        listened: this.#readiness.listening,
        stopping: this.#ending.begun,
        toldMs: this.#ending.toldMs,
        lastActiveMs: Date.now() - (this.#parts.now() - this.#idleness.lastActiveMs),
        baselines: this.sockets.baselines,
        served: this.sockets.served.map(({ inode }) => inode),
        statusFlags: this.sockets.statusFlags,
      });
      this.#savedFlags = this.sockets.statusFlags.join();
    } catch (error) {
      // The site serves all the same; only a killed activator's successor would start it anew.
      this.#parts.log.error('The state of a site could not be saved', { site: this.name, ...describeError(error) });
    }
  }

  // --- bookkeeping

  #cgroup(): Cgroup | null {
    return this.#parts.sliceDir === null ? null : new Cgroup(`${this.#parts.sliceDir}/${scopeName(this.name)}`, this.#parts.poller);
  }

  #afterShutDown(listener: Listener, healed: boolean): void {
    const fields = { site: this.name, listen: listener.text };
    if (healed) this.#parts.log.info('The program shut its listener down; it listens again, and the next start will not let it', fields);
    else this.#parts.log.error('The program shut a UNIX listener down, which never heals: restart its socket unit', { ...fields, code: 'ERR_WAKESOCK_SOCKET_LOST' });
    this.#remember();
  }

  #remember(): void {
    if (existsSync(`${this.#parts.paths.stateDir}/shuts-listener/${this.name}`)) return;
    try {
      rememberShutsListener(this.#parts.paths, this.name);
      this.#parts.prepareAgain(this.name);
    } catch (error) {
      this.#parts.log.error('Could not note that a site shuts its listener down', { site: this.name, ...describeError(error) });
    }
  }

  #settle(error: SiteError | null): void {
    const awake = this.#life.state.name === 'awake';
    if (error) this.#waiters.notAwake(this.#wakeError(error));
    else if (awake) this.#waiters.awake();
    // A site that failed sleeps too.
    if (!awake) this.#waiters.asleep();
  }

  #wakeError({ code, message }: SiteError): WakesockError {
    return code === 'ERR_WAKESOCK_BACKOFF' ? new BackoffError(message, this.backoffLeftMs) : new WakesockError(code, message);
  }
}
