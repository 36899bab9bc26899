/**
 * One site at run time: reports what happens to the reducer (lifecycle/) and carries out what it decides, with the parts
 * of wake/, idle/, sockets/ and runtime/. Nothing here decides on its own what state a site is in.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { born, next, type Effect, type Event, type Life, type SiteError } from '../lifecycle/lifecycle.ts';
import { Adoption, type Pairing } from '../wake/adoption.ts';
import { mendEpoll } from '../wake/epoll-mend.ts';
import { watchesByEpoll } from '../wake/epoll-registrations.ts';
import { launch } from '../wake/launch.ts';
import { beginStop, catchesSignal, finishStop, interruptCalls, signalNumber } from '../idle/stop.ts';
import { hasAccepted, isNobody, lookAt, type Activity } from '../idle/activity.ts';
import { Cgroup, isInScope } from '../runtime/cgroup.ts';
import { SiteSockets } from '../sockets/site-sockets.ts';
import { addressText, type Listener } from '../sockets/listener.ts';
import { freezeMsMax, stopTimeoutMsDefault } from '../base/limits.ts';
import { O_NONBLOCK } from '../linux/constants.ts';
import { getStatusFlags } from '../linux/fd.ts';
import { preparedDir, runtimeSiteDir } from '../base/paths.ts';
import { WakesockError, describeError } from '../base/errors.ts';
import type { PreparedSite } from '../base/site.ts';
import { BackoffError } from '../control/backend.ts';
import type { LeaseAddress, SiteHistory, SiteState, SiteStatus, WakePhases } from '../control/types.ts';
import { scopeName, writtenSocketUnit } from '../systemd/unit-names.ts';
import { Container } from './container.ts';
import { rememberShutsListener, readHistory, writeHistory } from './history.ts';
import { processIdentity, readRuntimeState, removeRuntimeState, writeRuntimeState, type RuntimeState } from './runtime-state.ts';
import type { RunnerParts, StoredFds } from './parts.ts';

/** A quarter of the idle time, so that a stop is late by no more; not below what a busy site should cost us. */
const QUANTUM_MS_MIN = 50;
const UNSERVED_IDLE_MS = 1_000;
/** A bus that is restarted is back after this or twice this; nothing announces it. */
const BUS_RETRY_MS = 100;
/** Time for a program to end whose signal handler restores the default, which a first process ignores. */
const SPENT_HANDLER_MS = 1_000;
/** Sockets that could not be watched are tried again after this: descriptors come back when a site stops. */
const REARM_MS = 1_000;
/** After a take-over, and twice this and so on: nothing announces that a program waits for its socket with epoll. */
const FLAGS_MS_FIRST = 25;
const FLAGS_MS_LAST = 3_200;
/** Idle looks are never closer together than this. */
const LOOK_MS_MIN = 20;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: WakesockError) => void;
}

interface SleepWaiter extends Waiter {
  readonly force: boolean;
}

export class SiteRunner {
  readonly name: string;
  readonly sockets: SiteSockets;
  readonly #parts: RunnerParts;
  #life: Life = born;
  readonly #events: Event[] = [];
  #history: SiteHistory;
  #prepared: PreparedSite | null = null;
  #container: Container | null = null;
  #launching: { readonly done: Promise<void>; readonly abort: AbortController } | null = null;
  #clearing: Promise<void> | null = null;
  #listening = new Set<number>();
  #wakeStartedMs = 0;
  #phases: WakePhases = noPhases;
  /** What a start that takes long waits for, if not for its program. */
  #hindrance: SiteError | null = null;
  #startDeadline: NodeJS.Timeout | null = null;
  #stopDeadline: NodeJS.Timeout | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #unsubscribe: (() => void) | null = null;
  #lastActiveMs = 0;
  #savedFlags = '';
  /** Somebody has been accepted by this program. */
  #served = false;
  /** It was found without what belongs to it: it serves whom it has, and is stopped as soon as there is nobody. */
  #crippled = false;
  /** An earlier activator started it. */
  #takenOver = false;
  /** The program has been sent its stop signal, or is about to be: {@link RuntimeState.toldMs}. */
  #ending: { readonly toldMs: number | null } | null = null;
  /** Settled, unless the program is frozen for an instant. */
  #interrupted: Promise<void> = Promise.resolve();
  #leases = 0;
  #retired = false;
  #wakeWaiters: Waiter[] = [];
  #sleepWaiters: SleepWaiter[] = [];

  constructor(name: string, listeners: readonly Listener[], parts: RunnerParts) {
    this.name = name;
    this.#parts = parts;
    this.#history = readHistory(parts.paths, name);
    const stored = readRuntimeState(parts.paths, name);
    this.sockets = new SiteSockets(listeners, stored?.baselines ?? [], parts.poller, {
      readable: () => this.#dispatch({ type: 'readable' }),
      unserved: () => this.#lookSoon(0),
      shutDown: (listener, healed) => this.#afterShutDown(listener, healed),
      spareMade: (fd, inode) => parts.fdStore.keep(`spare.${inode}=${name}`, [fd]),
      spareDropped: (inode) => parts.fdStore.drop(`spare.${inode}=${name}`),
    });
  }

  /** Nothing to do, nothing to wait for: not even the end of a back-off. */
  get quiet(): boolean {
    const { state } = this.#life;
    if (this.#leases > 0 || this.#clearing || this.#wakeWaiters.length > 0 || this.#sleepWaiters.length > 0) return false;
    return state.name === 'dormant' || (state.name === 'failed' && this.#parts.now() >= state.untilMs);
  }

  /** In the middle of something that a new activator would have to begin again. */
  get busy(): boolean {
    const { state } = this.#life;
    return state.name === 'waking' || state.name === 'draining' || (state.name === 'awake' && state.stopping) || this.#clearing !== null;
  }

  /** Milliseconds until a failed site may be tried again; 0 where it may. */
  get backoffLeftMs(): number {
    const { state } = this.#life;
    return state.name === 'failed' ? Math.max(0, state.untilMs - this.#parts.now()) : 0;
  }

  /**
   * The activator ends: nothing is begun any more, what is not committed is undone, and clients wait for the next one.
   *
   * @param successor whether that is started at once. If not, the hold of a stop that is not over ends too: better a client
   * for a program on its way out than a site that is deaf for ever.
   */
  retire(successor: boolean): void {
    this.#retired = true;
    const { state } = this.#life;
    const unsettled = state.name === 'awake' && state.stopping;
    if (unsettled) this.#container?.cgroup?.thaw();
    if (unsettled || (state.name === 'draining' && !successor)) this.sockets.release(false);
    this.#sendAway();
  }

  #sendAway(): void {
    const ends = new WakesockError('ERR_WAKESOCK_NOT_RUNNING', 'The activator ends');
    this.#reject(this.#wakeWaiters, ends);
    this.#reject(this.#sleepWaiters, ends);
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
    const cgroup = this.#cgroup();
    // Whoever died while the program was frozen left it so.
    const midStop = state?.stopping === true && (state.toldMs ?? null) === null && cgroup?.frozen === true;
    if (cgroup?.exists && !midStop) cgroup.thaw();
    if (state === null && !cgroup?.exists && !this.#parts.crun.knows(this.name)) {
      this.#giveUp(stored);
      this.sockets.arm();
      return;
    }
    this.#takeOver(state, stored, cgroup, midStop);
  }

  /** Resolves when a wake has ended, well or not. */
  async nextWake(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeWaiters.push({ resolve, reject: () => resolve() });
    });
  }

  /** Resolves when the site is awake; @throws WakesockError why it is not */
  wake(by: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wakeWaiters.push({ resolve, reject });
      this.#dispatch({ type: 'wake', by });
    });
  }

  /** Resolves when the site is dormant. @throws WakesockError ERR_WAKESOCK_BUSY */
  sleep(force: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepWaiters.push({ resolve, reject, force });
      this.#dispatch({ type: 'sleep', force });
    });
  }

  /** Keeps the site awake until the returned function is called. */
  lease(): { address: LeaseAddress; release: () => void } {
    const listener = this.sockets.listeners[0];
    if (!listener) throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `${this.name}: a lease of a site without a socket is not supported yet`);
    this.#leases += 1;
    // Nobody waits for the answer: the holder connects, and its connection waits in the backlog.
    this.wake('lease').catch(() => {});
    let held = true;
    return {
      address: { family: listener.family, address: connectableText(listener) },
      release: () => {
        if (!held) return;
        held = false;
        this.#leases -= 1;
        this.#lastActiveMs = this.#parts.now();
        if (this.#leases === 0 && this.#life.state.name === 'awake') this.#scheduleLook();
        this.#parts.changed();
      },
    };
  }

  status(): SiteStatus {
    const { state } = this.#life;
    const awake = state.name === 'awake' || state.name === 'draining';
    const cgroup = this.#container?.cgroup ?? null;
    const site = this.#known()?.site;
    return {
      name: this.name,
      state: state.name,
      handoff: site?.handoff ?? 'adopt',
      listen: this.sockets.listeners.map(({ text }) => text),
      hosts: site?.hosts ?? [],
      unit: this.#parts.manager ? writtenSocketUnit(this.name) : null,
      since: this.#history.wakes === 0 && state.name === 'dormant' ? null : this.#history.since,
      wakes: this.#history.wakes,
      connections: awake ? this.#look().established : null,
      memoryBytes: cgroup?.memoryBytes() ?? null,
      cpuUsec: cgroup?.cpuUsec() ?? null,
      lastWake: this.#history.lastWake,
      error: state.name === 'failed' ? state.error : null,
    };
  }

  /** A seccomp notify descriptor of this site's container, sent by crun. */
  notifyFdArrived(fd: number, pid: number): boolean {
    // crun may have ended before its message is read, and its program with it: then the next one is not to be taken for that.
    if (!this.#container || this.#container.notifyFd !== null || this.#life.state.name !== 'waking' || processIdentity(pid) === null) return false;
    this.#phase('go');
    this.#parts.fdStore.keep(`notify=${this.name}`, [fd]);
    this.#container.isProcess(pid);
    this.#watchExit(this.#container);
    this.#answerFrom(this.#container, fd);
    return true;
  }

  /** Effects may report events in turn: those wait until this one is done with. */
  #dispatch(event: Event): void {
    if (this.#retired) return this.#sendAway();
    this.#events.push(event);
    if (this.#events.length > 1) return;
    for (let current = this.#events[0]; current !== undefined; this.#events.shift(), current = this.#events[0]) {
      const before = this.#life.state.name;
      const step = next(this.#life, current, this.#parts.now());
      this.#life = step.life;
      for (const effect of step.effects) this.#carryOutSafely(effect);
      if (before !== this.#life.state.name) this.#stateChanged(before);
    }
    this.#parts.changed();
  }

  /** No descriptors left, a path taken away: the site goes on as well as it can, and the others are not touched. */
  #carryOutSafely(effect: Effect): void {
    try {
      this.#carryOut(effect);
    } catch (error) {
      this.#parts.log.error(`${this.name}: ${effect.type} failed`, { site: this.name, ...describeError(error) });
      // What was to be looked after is ended rather than forgotten; a socket that cannot be watched is tried again.
      if (effect.type === 'launch' || effect.type === 'attend') this.#dispatch({ type: 'launchFailed', error: describeError(error) });
      if (effect.type === 'arm') setTimeout(() => this.#rearm(), REARM_MS);
    }
  }

  #rearm(): void {
    const { name } = this.#life.state;
    if (name === 'dormant' || name === 'failed') this.#carryOutSafely({ type: 'arm' });
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
    this.#wakeStartedMs = this.#parts.now();
    this.#parts.gracePeriod?.begin();
    this.#phases = noPhases;
    this.#hindrance = null;
    this.#listening.clear();
    this.#served = false;
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
    this.#history = { ...this.#history, wakes: this.#history.wakes + 1, lastWake: { at: new Date().toISOString(), by, phasesMs: noPhases } };
  }

  async #runLaunch(container: Container, signal: AbortSignal): Promise<void> {
    const { paths, crun } = this.#parts;
    const prepared = await this.#parts.prepared(this.name);
    signal.throwIfAborted();
    this.#prepared = prepared;
    const { site } = prepared;
    this.#setStartDeadline(site.startTimeoutMs);
    this.#saveState(null);
    const listenFds = site.handoff === 'listen-fds' ? this.sockets.listeners.map(({ fd }) => fd) : [];
    const sink = this.#parts.lines(this.name, () => container.process?.pid ?? null);
    const { manager } = this.#parts;
    const pid = await launch(
      site,
      { bundle: preparedDir(paths, this.name), runtime: runtimeSiteDir(paths, this.name), rootMount: prepared.rootMount ?? null },
      listenFds,
      { crun, signal, startScope: manager ? (_, process) => this.#startScope(prepared, process, signal) : null },
      {
        process: ({ stdout, stderr }) => {
          this.#phase('process');
          try {
            container.output.follow(this.#parts.poller, stdout, 'stdout', sink);
          } finally {
            container.output.follow(this.#parts.poller, stderr, 'stderr', sink);
          }
          // After the gate has opened would be too late: a program must not lose its output with us.
          this.#parts.fdStore.keep(`stdout=${this.name}`, [stdout]);
          this.#parts.fdStore.keep(`stderr=${this.name}`, [stderr]);
        },
        scope: () => this.#phase('scope'),
        started: () => this.#phase('go'),
      },
    );
    this.#launching = null;
    container.isProcess(pid);
    this.#watchExit(container);
    this.#saveState(pid);
    if (site.handoff === 'listen-fds') this.#nowListening();
  }

  /** While the bus is away crun waits at its gate and the client in the backlog, at most for TimeoutStartSec=. */
  async #startScope(prepared: PreparedSite, pid: number, signal: AbortSignal): Promise<void> {
    const { site } = prepared;
    const name = scopeName(site.name);
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#parts.manager?.startScope({
          name,
          description: site.description,
          slice: 'wakesock.slice',
          pids: [pid],
          properties: site.resources,
          stopTimeoutMs: site.stopTimeoutMs,
        });
        this.#hindrance = null;
        return;
      } catch (error) {
        // Only its answer was lost with the bus.
        if (tries > 0 && isInScope(pid, name)) {
          this.#hindrance = null;
          return;
        }
        if (!(error instanceof WakesockError) || error.code !== 'ERR_WAKESOCK_BUS') throw error;
        this.#hindrance = describeError(error);
        if (tries === 0) this.#parts.log.warn(`${this.name} waits for the bus: ${error.message}`, { site: this.name, code: error.code });
        await delay(BUS_RETRY_MS, undefined, { signal });
      }
    }
  }

  #launchFailed(container: Container, error: unknown): void {
    this.#launching = null;
    if (this.#container !== container) return;
    this.#startFailed(container, error);
  }

  #startFailed(container: Container, error: unknown): void {
    void this.#explain(container, error).then((explained) => {
      if (this.#container === container) this.#dispatch({ type: 'launchFailed', error: explained });
    });
  }

  /** With the last lines of its output: what crun or the program said is the reason a user looks for. */
  async #explain(container: Container, error: unknown): Promise<SiteError> {
    const { code, message } = describeError(error);
    if (code !== 'ERR_WAKESOCK_RUNTIME' && code !== 'ERR_WAKESOCK_EXITED') return { code, message };
    await this.#killAll(container);
    await container.output.ended();
    const why = code === 'ERR_WAKESOCK_RUNTIME' ? await this.#parts.whyNot(this.name) : null;
    if (why) return describeError(why);
    const lines = container.output.lastLines;
    return { code, message: lines.length > 0 ? `${message}; its last lines: ${lines.join(' | ')}` : message };
  }

  #answerFrom(container: Container, fd: number): void {
    const adoption = new Adoption(fd, () => this.sockets.all, () => this.#pairings(), {
      // With its blocking mode, which is lost when the next activator is started.
      giving: () => this.#saveState(container.process?.pid ?? null),
      willListen: (listener) => {
        this.#listening.add(listener.inode);
        if (this.#life.state.name !== 'waking') return;
        this.#lastActiveMs = this.#parts.now();
        this.#saveState(container.process?.pid ?? null);
      },
      listening: () => {
        if (this.#listensOnAll) this.#nowListening();
      },
      failed: (error) => this.#dispatch({ type: 'launchFailed', error: describeError(error) }),
      shutdownRefused: () => this.#parts.log.debug('The program tried to shut its listener down', { site: this.name }),
      mendEpoll,
    });
    container.hasNotifyFd(fd, () => adoption.answerOne());
  }

  /** Whoever was adopted and has asked for each of its sockets. */
  get #listensOnAll(): boolean {
    const pairings = this.#prepared?.site.handoff === 'adopt' ? this.#pairings() : [];
    return pairings.length > 0 && pairings.every(({ listener }) => this.#listening.has(listener.inode));
  }

  /** What the program binds, with the socket it gets: by address where it is known again, else in order. */
  #pairings(): Pairing[] {
    const site = this.#prepared?.site;
    if (!site) return [];
    const { listeners } = this.sockets;
    const byText = new Map(listeners.map((listener) => [listener.text, listener]));
    return site.ports.flatMap((port, index) => {
      const listener = byText.get(site.listen[index]?.text ?? '') ?? listeners[index];
      return listener ? [{ port, listener }] : [];
    });
  }

  #nowListening(): void {
    if (this.#life.state.name !== 'waking') return;
    // A program that was handed its socket says nothing when it serves: who still waits at the deadline tells.
    if (this.#prepared?.site.handoff !== 'listen-fds') this.#clearStartDeadline();
    this.#phase('listen');
    this.#lastActiveMs = this.#parts.now();
    const { process, scope, go } = this.#phases;
    const total = this.#sinceStart();
    const phasesMs = { process, scope, go, listen: this.#prepared?.site.handoff === 'listen-fds' ? null : total, total };
    if (this.#history.lastWake) this.#history = { ...this.#history, lastWake: { ...this.#history.lastWake, phasesMs } };
    this.#dispatch({ type: 'listening' });
    this.#saveState(this.#container?.process?.pid ?? null);
    if (this.#takenOver && this.#container) this.#watchFlags(this.#container);
    if (this.#sleepWaiters.length > 0) this.#dispatch({ type: 'sleep', force: this.#sleepWaiters.some(({ force }) => force) });
  }

  #setStartDeadline(timeoutMs: number): void {
    this.#clearStartDeadline();
    if (!Number.isFinite(timeoutMs)) return;
    this.#startDeadline = setTimeout(() => {
      this.#startDeadline = null;
      if (this.#life.state.name === 'awake' && (this.#served || this.#serves || this.sockets.waiting() === 0)) return;
      if (this.#hindrance) return this.#dispatch({ type: 'launchFailed', error: this.#hindrance });
      const missing = this.#pairings().filter(({ listener }) => !this.#listening.has(listener.inode)).map(({ port }) => (port.kind === 'tcp' ? `port ${port.port}` : port.path));
      const what = missing.length > 0 ? `did not listen on ${missing.join(', ')}` : 'accepted nobody';
      this.#dispatch({ type: 'launchFailed', error: { code: 'ERR_WAKESOCK_START_TIMEOUT', message: `The program ${what} within ${timeoutMs} ms (TimeoutStartSec=)` } });
    }, timeoutMs);
  }

  #clearStartDeadline(): void {
    if (this.#startDeadline) clearTimeout(this.#startDeadline);
    this.#startDeadline = null;
  }

  #refuse(): void {
    const refused = this.sockets.refuse();
    if (refused > 0) this.#parts.log.warn('Closed waiting connections of a failed site', { site: this.name, connections: refused });
  }

  // --- awake

  #attend(): void {
    this.sockets.guard();
    const quantumMs = this.#quantumMs;
    const addresses = this.sockets.listeners.flatMap(({ address }) => (address.family === 'ipv4' || address.family === 'ipv6' ? [address] : []));
    this.#unsubscribe ??= this.#parts.cameAndWent.subscribe(addresses, quantumMs, () => {
      // Whoever comes and goes until it hears again is not heard: IdleSec= is a minimum, so that time counts as use.
      this.#lastActiveMs = this.#parts.now() + quantumMs;
      this.#served = true;
      this.#saveRunning();
    });
    this.#scheduleLook();
  }

  get #quantumMs(): number {
    return Math.max(QUANTUM_MS_MIN, (this.#prepared?.site.idleMs ?? Infinity) / 4);
  }

  /** Somebody who waits on the socket that this program does not serve is not made to wait for the whole idle time. */
  get #idleMs(): number {
    const idleMs = this.#prepared?.site.idleMs ?? Infinity;
    return this.sockets.unservedWaiting || this.#crippled ? Math.min(idleMs, UNSERVED_IDLE_MS) : idleMs;
  }

  /** @param heldUp its time was over, and somebody waited or was not read: nothing tells when that ends */
  #scheduleLook(heldUp = false): void {
    const idleMs = this.#idleMs;
    if (!Number.isFinite(idleMs) || this.#leases > 0) return;
    const leftMs = this.#lastActiveMs + idleMs - this.#parts.now();
    this.#lookSoon(Math.max(LOOK_MS_MIN, leftMs <= 0 && heldUp ? Math.min(this.#quantumMs, idleMs) : leftMs));
  }

  #lookSoon(afterMs: number): void {
    if (this.#idleTimer) clearTimeout(this.#idleTimer);
    // Longer than a timer can be: it looks again then.
    this.#idleTimer = setTimeout(() => this.#lookForIdleness(), Math.min(afterMs, 2 ** 31 - 1));
  }

  #lookForIdleness(): void {
    this.#idleTimer = null;
    if (this.#life.state.name !== 'awake' || this.#life.state.stopping) return;
    const activity = this.#look();
    this.#served ||= hasAccepted(activity);
    if (activity.established > 0) this.#lastActiveMs = Math.max(this.#lastActiveMs, this.#parts.now() - activity.quietMs);
    if (!this.#isQuiet(activity)) {
      this.#saveState(this.#container?.process?.pid ?? null);
      this.#scheduleLook(true);
      return;
    }
    this.#dispatch({ type: 'sleep', force: false });
  }

  #look(): Activity {
    return lookAt(this.sockets.served);
  }

  /** The program has clients at this moment. */
  get #serves(): boolean {
    return hasAccepted(this.#look());
  }

  #isQuiet(activity: Activity): boolean {
    const idleMs = this.#idleMs;
    return this.#leases === 0 && isNobody(activity, idleMs) && this.#parts.now() - this.#lastActiveMs >= idleMs;
  }

  // --- stopping

  async #stop(force: boolean): Promise<void> {
    const container = this.#container;
    const process = container?.process;
    if (!container || !process) return this.#notStopped(force);
    await this.#interrupted;
    const outcome = await beginStop({
      ...process,
      cgroup: container.cgroup,
      hold: () => this.sockets.hold(),
      unhold: () => void this.sockets.release(false),
      look: () => this.#look(),
      // It may have ended by itself while it was being frozen: then there is nobody to stop.
      quiet: (activity) => !this.#retired && this.#container === container && container.process !== null
        && (force || (this.#sleepWaiters.length > 0 ? this.#nobodyNow(activity) : this.#isQuiet(activity))),
      committed: () => {
        this.#stopAttending();
        this.#ending = { toldMs: null };
        this.#saveState(process.pid);
        this.#dispatch({ type: 'stopping' });
      },
    }, this.#prepared?.site.stopSignal ?? 'TERM');
    if (outcome === 'inUse') return this.#notStopped(force);
    if (outcome === 'signalled') this.#told(container);
  }

  /** The program knows that it is to end. Noted at once: to most programs a second stop signal means to drop everybody. */
  #told(container: Container): void {
    const toldMs = this.#ending?.toldMs ?? Date.now();
    this.#ending = { toldMs };
    this.#saveState(container.process?.pid ?? null);
    this.#setStopDeadline(container, Math.max(0, Date.now() - toldMs));
  }

  #notStopped(force: boolean): void {
    const why = force ? `could not be frozen within ${freezeMsMax} ms, or is ending by itself` : 'is in use; --force closes its connections';
    this.#rejectSleep(force, new WakesockError('ERR_WAKESOCK_BUSY', `${this.name} ${why}`));
    this.#lastActiveMs = Math.max(this.#lastActiveMs, this.#parts.now() - (this.#prepared?.site.idleMs ?? 0) + LOOK_MS_MIN);
    this.#dispatch({ type: 'inUse' });
  }

  /** Nothing was begun: it is tried again at the next look, not at once. */
  #stopFailed(force: boolean, error: unknown): void {
    this.#parts.log.error(`${this.name} could not be stopped`, { site: this.name, ...describeError(error) });
    const { code, message } = describeError(error);
    this.#rejectSleep(force, new WakesockError(code, message));
    this.#lastActiveMs = this.#parts.now();
    this.#dispatch({ type: 'inUse' });
  }

  #setStopDeadline(container: Container, elapsedMs: number): void {
    const site = this.#prepared?.site;
    const timeoutMs = Math.max(0, (site?.stopTimeoutMs ?? stopTimeoutMsDefault) - elapsedMs);
    // Node without a handler of its own takes the signal, restores the default and sends it again: as the first process
    // of its namespace it never sees that. Who has used up the handler and is still there is told nothing more.
    const spent = setTimeout(() => {
      if (container.process && !catchesSignal(container.process.pid, signalNumber(site?.stopSignal ?? 'TERM'))) container.kill();
    }, Math.min(Math.max(0, SPENT_HANDLER_MS - elapsedMs), timeoutMs));
    this.#stopDeadline = setTimeout(() => container.kill(), timeoutMs);
    void container.exited.then(() => clearTimeout(spent));
  }

  /** For somebody who asked: idle for any time is idle, but who was served within the last second is not cut off. */
  #nobodyNow(activity: Activity): boolean {
    return this.#leases === 0 && isNobody(activity, 1_000);
  }

  #stopAttending(): void {
    if (this.#idleTimer) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  #watchExit(container: Container): void {
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
        this.#ending = null;
        this.#dispatch({ type: 'gone' });
      });
    return this.#clearing;
  }

  /** Each step is done whatever became of the ones before: a site must not stay deaf, nor its name be taken, for one that failed. */
  async #clearOnce(): Promise<void> {
    const container = this.#container;
    const { crun, fdStore, paths, log } = this.#parts;
    const step = async (what: () => void | Promise<void>): Promise<void> => {
      try {
        await what();
      } catch (error) {
        log.error('Clearing away a container failed', { site: this.name, ...describeError(error) });
      }
    };
    this.#clearStartDeadline();
    await step(() => this.#stopAttending());
    if (this.#launching) {
      this.#launching.abort.abort();
      await this.#launching.done;
    }
    if (container) {
      await step(() => this.#killAll(container));
      await step(() => container.untilGone());
    }
    if (this.#stopDeadline) clearTimeout(this.#stopDeadline);
    this.#stopDeadline = null;
    await step(() => this.sockets.disarm());
    await step(() => {
      const changed = this.sockets.release(true);
      if (changed.length > 0) log.debug('Undid what the program did to its socket', { site: this.name, changed: changed.join(' ') });
      if (changed.includes('shutdown')) this.#remember();
    });
    for (const kind of storedKinds) await step(() => fdStore.drop(`${kind}=${this.name}`));
    await step(() => crun.delete(this.name));
    await step(() => removeRuntimeState(paths, this.name));
    await step(() => this.sockets.verify());
  }

  /** A crun that ended before it told us the process may have started it all the same: then only crun knows it, if there is no scope. */
  async #killAll(container: Container): Promise<void> {
    container.kill();
    if (container.process === null) await this.#parts.crun.delete(this.name);
  }

  // --- taking over

  /** @param midStop the program is frozen, and was to be told to end */
  #takeOver(state: RuntimeState | null, stored: StoredFds, cgroup: Cgroup | null, midStop: boolean): void {
    const container = new Container(cgroup?.exists ? cgroup : null, this.#parts.poller);
    this.#container = container;
    this.#prepared = this.#preparedNow();
    const alive = this.#survivor(state, container.cgroup);
    // What was handed its socket may have accepted somebody since crun started it, whether that was noted or not.
    const listening = state?.listening === true || this.#prepared?.site.handoff === 'listen-fds' || this.#serves;
    // `systemctl stop` empties the fd store, where systemd does not preserve it: a program that was adopted has lost its
    // notify descriptor then, and the readers of its output. It would fail at the next line it prints.
    const whole = state !== null && this.#prepared !== null && (stored.notify !== null || this.#prepared.site.handoff === 'listen-fds');
    this.#crippled = !whole;
    if (alive === null || (this.#crippled && !this.#serves)) {
      stored.closeContainer();
      // It serves until it is dead.
      if (alive !== null || container.cgroup) this.#holdAgain();
      this.#dispatch({ type: 'orphan' });
      return;
    }
    if (this.#crippled) this.#parts.log.warn(`${this.name} is stopped as soon as it serves nobody: what an earlier activator kept of it is lost`, { site: this.name });
    container.isProcess(alive.pid);
    this.sockets.statusFlags = this.#flagsOf(state, container);
    this.#watchExit(container);
    const sink = this.#parts.lines(this.name, () => container.process?.pid ?? null);
    if (stored.stdout !== null) container.output.follow(this.#parts.poller, stored.stdout, 'stdout', sink);
    if (stored.stderr !== null) container.output.follow(this.#parts.poller, stored.stderr, 'stderr', sink);
    this.#lastActiveMs = this.#parts.now() - Math.max(0, Date.now() - (state?.lastActiveMs ?? Date.now()));
    if (listening) for (const { inode } of this.sockets.listeners) this.#listening.add(inode);
    else for (const inode of state?.listened ?? []) this.#listening.add(inode);
    // It was being started.
    if (!listening || state?.process === null) this.#setStartDeadline(this.#prepared?.site.startTimeoutMs ?? Infinity);
    this.#ending = state?.stopping ? { toldMs: state.toldMs ?? null } : null;
    this.#dispatch({ type: 'found', as: this.#ending ? 'draining' : listening ? 'awake' : 'waking' });
    if (this.#ending) this.#holdAgain();
    const outcome = midStop && container.process ? finishStop({ ...container.process, cgroup: container.cgroup }, this.#prepared?.site.stopSignal ?? 'TERM') : 'signalled';
    if (this.#ending && outcome === 'signalled') this.#told(container);
    else this.#saveState(alive.pid);
    if (stored.notify !== null) this.#answerFrom(container, stored.notify);
    // Last: until it is thawed whoever finds it frozen must know better than to take it for the midst of a stop.
    if (container.cgroup && !midStop) this.#interrupted = interruptCalls(container.cgroup);
    this.#takenOver = true;
    this.#watchFlags(container);
  }

  /** An activator that was told to end, with nobody to come after it, let the clients of its last stops go. */
  #holdAgain(): void {
    try {
      this.sockets.hold();
    } catch (error) {
      this.#parts.log.error(`Clients of ${this.name} could not be held`, { site: this.name, ...describeError(error) });
    }
  }

  /**
   * Who was made non-blocking by its program between its `bind` and the next activator's start, and noted by none, is known
   * only once its program waits for it with epoll. It may be waiting in accept(2) by then: that call is made anew.
   */
  #watchFlags(container: Container, afterMs = FLAGS_MS_FIRST): void {
    if (afterMs > FLAGS_MS_LAST) return;
    setTimeout(() => {
      const { state } = this.#life;
      if (this.#container !== container || !container.process) return;
      const flags = this.#flagsOf(null, container);
      const frozen = state.name === 'awake' && state.stopping;
      if (!frozen && flags.join() !== this.sockets.statusFlags.join()) {
        this.sockets.statusFlags = flags;
        this.noteFlags();
        if (container.cgroup) this.#interrupted = interruptCalls(container.cgroup);
      }
      this.#watchFlags(container, afterMs * 2);
    }, afterMs).unref();
  }

  /**
   * Blocking modes as the program left them. systemd has made every socket blocking since. What the dead activator noted may
   * be older than the program's own `fcntl`; but who waits for a socket with epoll does not want to wait in accept(2) too.
   */
  #flagsOf(state: RuntimeState | null, { cgroup, process }: Container): number[] {
    const processes = cgroup?.processes() ?? (process ? [process.pid] : []);
    return this.sockets.served.map(({ fd, inode }, index) => {
      const flags = state?.statusFlags[index] ?? getStatusFlags(fd);
      return processes.some((pid) => watchesByEpoll(pid, inode)) ? flags | O_NONBLOCK : flags;
    });
  }

  /** Nothing is left of the container: the next one's descriptors have the same names in the store. */
  #giveUp(stored: StoredFds): void {
    stored.closeContainer();
    for (const kind of storedKinds) if (stored[kind] !== null) this.#parts.fdStore.drop(`${kind}=${this.name}`);
  }

  /** The first process of the container that an earlier activator started, if it can be known. */
  #survivor(state: RuntimeState | null, cgroup: Cgroup | null): { readonly pid: number } | null {
    if (!state?.process) {
      const pid = cgroup?.firstProcess() ?? null;
      return pid === null ? null : { pid };
    }
    return processIdentity(state.process.pid)?.startTime === state.process.startTime ? state.process : null;
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
        listening: name === 'awake' || (name === 'waking' && this.#listensOnAll),
        listened: [...this.#listening],
        stopping: this.#ending !== null,
        toldMs: this.#ending?.toldMs ?? null,
        lastActiveMs: Date.now() - (this.#parts.now() - this.#lastActiveMs),
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

  #stateChanged(before: SiteState): void {
    const { state } = this.#life;
    const error = state.name === 'failed' ? state.error : null;
    this.#history = { ...this.#history, state: state.name, since: new Date().toISOString(), error };
    if (error) this.#parts.log.error(`${this.name} failed: ${error.message}`, { site: this.name, code: error.code });
    else this.#parts.log.info(`${this.name}: ${before} → ${state.name}`, { site: this.name, state: state.name, ...(state.name === 'awake' ? { ms: this.#history.lastWake?.phasesMs.total ?? null } : {}) });
    if (state.name === 'waking') return;
    // Not in the way of the client that waits.
    setImmediate(() => {
      try {
        writeHistory(this.#parts.paths, this.name, this.#history);
      } catch (problem) {
        this.#parts.log.warn('The wake history could not be written', { site: this.name, message: (problem as Error).message });
      }
    });
  }

  #settle(error: SiteError | null): void {
    const awake = this.#life.state.name === 'awake';
    if (error) this.#reject(this.#wakeWaiters, this.#wakeError(error));
    else if (awake) for (const waiter of this.#wakeWaiters.splice(0)) waiter.resolve();
    // A site that failed sleeps too.
    if (!awake) for (const waiter of this.#sleepWaiters.splice(0)) waiter.resolve();
  }

  #wakeError({ code, message }: SiteError): WakesockError {
    return code === 'ERR_WAKESOCK_BACKOFF' ? new BackoffError(message, this.backoffLeftMs) : new WakesockError(code, message);
  }

  /** Who asked for force meanwhile has another attempt of its own. */
  #rejectSleep(force: boolean, error: WakesockError): void {
    const all = this.#sleepWaiters.splice(0);
    this.#sleepWaiters = all.filter((waiter) => waiter.force && !force);
    this.#reject(all.filter((waiter) => !waiter.force || force), error);
  }

  #reject(waiters: Waiter[], error: WakesockError): void {
    for (const waiter of waiters.splice(0)) waiter.reject(error);
  }

  /** The first time counts: crun hands over the notify descriptor before it says that the program was started. */
  #phase(name: 'process' | 'scope' | 'go' | 'listen'): void {
    if (this.#phases[name] !== null) return;
    this.#phases = { ...this.#phases, [name]: this.#sinceStart() };
  }

  #sinceStart(): number {
    return Math.round((this.#parts.now() - this.#wakeStartedMs) * 100) / 100;
  }
}

const storedKinds = ['notify', 'stdout', 'stderr'] as const;
const noPhases: WakePhases = { process: null, scope: null, go: null, listen: null, total: null };

/** A wildcard is reached by its family's loopback address. */
function connectableText(listener: Listener): string {
  const { address } = listener;
  if (address.family === 'ipv4' && address.address === '0.0.0.0') return addressText({ ...address, address: '127.0.0.1' });
  if (address.family === 'ipv6' && address.address === '::') return addressText({ ...address, address: '::1' });
  return addressText(address);
}

