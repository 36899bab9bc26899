/** The listening sockets of one site: watched while it sleeps, protected while a program shares them, mended afterwards. */
import { EPOLLIN, EPOLLONESHOT, EPOLLRDHUP } from '../linux/epoll.ts';
import { closeFd } from '../linux/libc.ts';
import { getStatusFlags, setStatusFlags } from '../linux/fd.ts';
import { O_NONBLOCK } from '../linux/constants.ts';
import { WakesockError } from '../base/errors.ts';
import { captureBaseline, differences, listens, queueOf, restoreBaseline, type Baseline } from './baseline.ts';
import { forgetSpare, hasSpareName, holdSyns, isHeld, isSpareOf, leadToOriginal, leadToSpare, makeSpare, releaseSyns, undoUnixHold } from './hold.ts';
import { inspectListener, listenAgain, type Listener } from './listener.ts';
import type { Poller, Watch } from './poller.ts';
import { acceptAndClose } from './refuse.ts';

/**
 * One address of a site. A UNIX address has a second socket at times (hold.ts): the path leads to the original while the
 * site sleeps, to the one that the program serves while it is awake, and to the other one while it stops.
 */
interface Entry {
  readonly original: Listener;
  /** Taken when it is first asked for, before the first program shares the socket: a thousand sockets are not looked at for one wake. */
  readonly baseline: Baseline;
  spare: Listener | null;
  servesSpare: boolean;
  pathLeadsTo: 'original' | 'spare';
  /** Made since the running program was started, which holds another: its socket unit was changed or started again. */
  isNew: boolean;
}

/** Second sockets that an earlier activator made, by the inode of the original. */
export type StoredSpares = ReadonlyMap<number, number>;

export interface SocketEvents {
  /** A client waits. Told once; {@link SiteSockets.arm} asks for the next. */
  readable(): void;
  /** A client waits on the socket that the running program does not serve: it is served after the next stop. */
  unserved(): void;
  /** A program stopped this socket for everybody; it listens again unless it is a UNIX socket, which never heals. */
  shutDown(listener: Listener, healed: boolean): void;
  /** Clients may wait on this socket from now on, and would be lost with us. `inode` is the original's: each has at most one. */
  spareMade(fd: number, inode: number): void;
  /** It is of no use any more: the store need not keep it. */
  spareDropped(inode: number): void;
}

export class SiteSockets {
  readonly #entries: Entry[];
  readonly #poller: Poller;
  readonly #events: SocketEvents;
  #watches: Watch[] = [];
  #held = false;

  /** @param stored baselines taken by an earlier activator, before a program shared the sockets */
  constructor(listeners: readonly Listener[], stored: readonly Baseline[], poller: Poller, events: SocketEvents) {
    this.#poller = poller;
    this.#events = events;
    this.#entries = listeners.map((original) => {
      let baseline = stored.find(({ inode }) => inode === original.inode);
      return {
        original,
        get baseline() {
          baseline ??= captureBaseline(original);
          return baseline;
        },
        spare: null,
        servesSpare: false,
        pathLeadsTo: 'original',
        isNew: false,
      };
    });
  }

  /** What the next program is given, in the order of the site file. */
  get listeners(): Listener[] {
    return this.#entries.map(servedOf);
  }

  /** What the running program holds. */
  get served(): Listener[] {
    return this.#entries.filter(({ isNew }) => !isNew).map(servedOf);
  }

  /** Every socket a client of this site may wait on. */
  get all(): Listener[] {
    return this.#entries.flatMap((entry) => (entry.spare ? [entry.original, entry.spare] : [entry.original]));
  }

  /** Status flags as they are now, in the order of {@link served}. */
  get statusFlags(): number[] {
    return this.served.map(({ fd }) => getStatusFlags(fd));
  }

  set statusFlags(flags: readonly number[]) {
    this.served.forEach(({ fd }, index) => {
      const wanted = flags[index];
      if (wanted !== undefined) setStatusFlags(fd, wanted);
    });
  }

  get baselines(): Baseline[] {
    return this.#entries.map(({ baseline }) => baseline);
  }

  /**
   * Undoes what a dead activator may have left: no site may stay deaf because somebody died at the wrong line.
   *
   * @param spares second sockets that it made, where clients may wait; given up here where they are of no use
   * @param stopping its program is ending: clients stay held until it is gone
   * @param served inodes of the sockets that its program serves; by default those that there are
   */
  undoLeftovers(spares: StoredSpares, stopping = false, served?: readonly number[]): void {
    this.#held = stopping;
    for (const entry of this.#entries) {
      entry.isNew = served !== undefined && !served.includes(entry.original.inode);
      if (entry.original.family !== 'unix') {
        if (!stopping) releaseSyns(entry.original.fd);
        continue;
      }
      const spareFd = spares.get(entry.original.inode);
      const spare = spareFd === undefined ? null : inspectSpare(spareFd, entry.original);
      const held = isHeld(entry.original);
      if (spare === null || !(held || hasSpareName(entry.original))) {
        undoUnixHold(entry.original);
        forgetSpare(entry.original);
        continue;
      }
      entry.spare = spare;
      entry.servesSpare = served?.includes(spare.inode) === true;
      entry.isNew &&= !entry.servesSpare;
      entry.pathLeadsTo = held ? 'spare' : 'original';
      lead(entry, entry.servesSpare === stopping ? 'original' : 'spare');
    }
    for (const [inode, fd] of spares) {
      if (this.#entries.some(({ spare }) => spare?.fd === fd)) continue;
      // Out of the store, too: the next one has the same name there, and who is killed with both finds either.
      this.#events.spareDropped(inode);
      closeFd(fd);
    }
  }

  /** Settles which sockets the next program is given: first those on which somebody was left waiting. */
  choose(): void {
    for (const entry of this.#entries) {
      // From here on a program may share the socket.
      void entry.baseline;
      entry.isNew = false;
      entry.servesSpare = entry.spare !== null && listens(entry.spare) && (queueOf(entry.spare)?.waiting ?? 0) > 0;
      lead(entry, entry.servesSpare ? 'spare' : 'original');
    }
  }

  /** Tells of the next client. */
  arm(): void {
    this.disarm();
    let told = false;
    this.#watch(this.all, EPOLLIN | EPOLLONESHOT, (listener, watch) => {
      // Somebody stopped it: these are no clients. Healed, it is waited for again.
      if (!listens(listener)) {
        if (this.#heal(listener, watch)) watch.arm(EPOLLIN | EPOLLONESHOT);
        return;
      }
      if (told) return;
      told = true;
      this.#events.readable();
    });
  }

  disarm(): void {
    for (const watch of this.#watches) watch.end();
    this.#watches = [];
  }

  /** While a program shares them: tells of hang-ups, and of clients on a socket that this program does not serve. */
  guard(): void {
    this.disarm();
    this.#watch(this.served, EPOLLRDHUP, (listener, watch) => this.#heal(listener, watch));
    this.#watch(this.#unserved, EPOLLIN | EPOLLONESHOT, () => this.#events.unserved());
  }

  /** New clients wait from here on, out of the program's reach. */
  hold(): void {
    this.#held = true;
    for (const entry of this.#entries) {
      if (entry.original.family !== 'unix') {
        holdSyns(entry.original.fd);
        continue;
      }
      if (entry.spare === null) {
        entry.spare = makeSpare(entry.original, entry.baseline.backlog);
        restoreBaseline(entry.spare, entry.baseline);
        this.#events.spareMade(entry.spare.fd, entry.original.inode);
      }
      lead(entry, entry.servesSpare ? 'original' : 'spare');
    }
  }

  /**
   * Ends a hold. `stopped`: the program is gone, and what it did to the sockets is undone.
   *
   * @returns what had to be undone
   */
  release(stopped: boolean): string[] {
    const restored = stopped ? this.#entries.flatMap(({ original, spare, baseline }) => [original, ...(spare ? [spare] : [])].flatMap((listener) => restoreBaseline(listener, baseline))) : [];
    // Our own hold is a filter too.
    const changed = restored.filter((name) => !(this.#held && name === 'filter'));
    const errors: unknown[] = [];
    for (const entry of this.#entries) {
      try {
        this.#releaseOne(entry, stopped);
      } catch (error) {
        // The others must not stay deaf for it.
        errors.push(error);
      }
    }
    this.#held = false;
    if (errors.length > 0) throw errors[0];
    return changed;
  }

  /** The invariant of a dormant site: its sockets are as the socket unit made them. */
  verify(): void {
    for (const { original, baseline } of this.#entries) {
      const found = differences(original, baseline);
      if (found.length > 0) {
        throw new WakesockError('ERR_WAKESOCK_SOCKET_LOST', `${original.text}: expected the socket as its unit made it, found a different ${found.join(', ')}`);
      }
    }
  }

  /** New clients wait out of the program's reach. */
  get held(): boolean {
    return this.#held;
  }

  /** Somebody waits on a second socket, which systemd knows only as something that it stores. */
  get spareWaiting(): boolean {
    return this.#entries.some(({ spare }) => spare !== null && (queueOf(spare)?.waiting ?? 0) > 0);
  }

  /** Somebody waits on a socket that the running program does not serve. */
  get unservedWaiting(): boolean {
    return this.#unserved.some((listener) => (queueOf(listener)?.waiting ?? 0) > 0);
  }

  get #unserved(): Listener[] {
    const { served } = this;
    return this.all.filter((listener) => !served.includes(listener));
  }

  /** Connections not yet accepted by anybody. */
  waiting(): number {
    return this.all.reduce((sum, listener) => sum + (queueOf(listener)?.waiting ?? 0), 0);
  }

  /** Nobody is to reach the site here any more. Of sockets that nobody else holds. */
  close(): void {
    this.disarm();
    for (const { fd } of this.all) closeFd(fd);
  }

  /** Accepts and closes who waits. Bounded by the backlog, so that a flood cannot keep us here. */
  refuse(): number {
    let refused = 0;
    for (const listener of this.all) {
      const flags = getStatusFlags(listener.fd);
      setStatusFlags(listener.fd, flags | O_NONBLOCK);
      const most = (queueOf(listener)?.waiting ?? 0) + 1;
      for (let count = 0; count < most && acceptAndClose(listener.fd); count += 1) refused += 1;
      setStatusFlags(listener.fd, flags);
    }
    return refused;
  }

  #releaseOne(entry: Entry, stopped: boolean): void {
    if (entry.original.family !== 'unix') {
      if (this.#held) releaseSyns(entry.original.fd);
      return;
    }
    if (stopped) entry.servesSpare = false;
    lead(entry, entry.servesSpare ? 'spare' : 'original');
    // Looked at after the path has changed: nobody can join any more. Who waits is served by the next program.
    if (entry.spare && !entry.servesSpare && (queueOf(entry.spare)?.waiting ?? 0) === 0) this.#dropSpare(entry, entry.spare);
  }

  #dropSpare(entry: Entry, spare: Listener): void {
    forgetSpare(entry.original);
    closeFd(spare.fd);
    entry.spare = null;
    this.#events.spareDropped(entry.original.inode);
  }

  #heal(listener: Listener, watch: Watch): boolean {
    if (listens(listener)) return true;
    const entry = this.#entries.find(({ original, spare }) => original === listener || spare === listener);
    const healed = listener.family !== 'unix' && entry !== undefined;
    if (healed) listenAgain(listener, entry.baseline.backlog);
    // It would be reported for ever.
    else watch.end();
    this.#events.shutDown(listener, healed);
    return healed;
  }

  #watch(listeners: readonly Listener[], events: number, handler: (listener: Listener, watch: Watch) => void): void {
    for (const listener of listeners) {
      const watch = this.#poller.watch(listener.fd, events, () => handler(listener, watch));
      this.#watches.push(watch);
    }
  }
}

function servedOf({ original, spare, servesSpare }: Entry): Listener {
  return servesSpare && spare ? spare : original;
}

/** Null where the descriptor is another address's, or its socket was shut down. */
function inspectSpare(fd: number, original: Listener): Listener | null {
  try {
    const spare = inspectListener(fd, original.text);
    return isSpareOf(spare, original) && listens(spare) ? { ...spare, text: original.text } : null;
  } catch (error) {
    if (error instanceof WakesockError) return null;
    throw error;
  }
}

function lead(entry: Entry, to: Entry['pathLeadsTo']): void {
  if (entry.pathLeadsTo === to) return;
  if (to === 'spare') leadToSpare(entry.original);
  else leadToOriginal(entry.original);
  entry.pathLeadsTo = to;
}
