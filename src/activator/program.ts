/** The program that a site has at present, or had last, whoever started it: its container, its sockets, and what is known of it. */
import { lookAt, type Activity } from '../idle/activity.ts';
import { Idleness } from '../idle/idleness.ts';
import { describeError } from '../base/errors.ts';
import type { PreparedSite, Site } from '../base/site.ts';
import { SiteSockets } from '../sockets/site-sockets.ts';
import type { Listener } from '../sockets/listener.ts';
import { Container } from './container.ts';
import { Ending } from './ending.ts';
import type { Living } from './living.ts';
import type { RunnerParts } from './parts.ts';
import { Readiness } from './readiness.ts';
import type { RuntimeState } from './runtime-state.ts';
import { tellOfShutDown } from './shuts-listener.ts';
import { StateNote, type Noted } from './state-note.ts';

const UNSERVED_IDLE_MS = 1_000;

export class Program {
  readonly name: string;
  readonly sockets: SiteSockets;
  readonly readiness: Readiness;
  readonly idleness: Idleness;
  readonly ending = new Ending();
  readonly note: StateNote;
  readonly #life: Living;
  #container: Container | null = null;
  /** Null: nothing is known yet. */
  prepared: PreparedSite | null = null;
  /** It was found without what belongs to it: it serves whom it has, and is stopped as soon as there is nobody. */
  crippled = false;
  /** What an earlier activator noted of the site before this one came. Null: nothing, it slept. */
  readonly left: RuntimeState | null;

  constructor(name: string, listeners: readonly Listener[], parts: RunnerParts, life: Living) {
    this.name = name;
    this.#life = life;
    this.note = new StateNote(name, parts, () => this.#noted());
    this.left = this.note.read();
    this.sockets = new SiteSockets(listeners, this.left?.baselines ?? [], parts.poller, {
      readable: () => life.dispatch({ type: 'readable' }),
      unserved: () => this.idleness.lookSoon(),
      shutDown: (listener, healed) => tellOfShutDown(name, listener, healed, parts),
      spareMade: (fd, inode) => parts.fdStore.keep(`spare.${inode}=${name}`, [fd]),
      spareDropped: (inode) => parts.fdStore.drop(`spare.${inode}=${name}`),
    });
    this.readiness = new Readiness({
      prepared: () => this.prepared,
      listeners: () => this.sockets.listeners,
      serves: () => life.state.name === 'awake' && (this.idleness.served || this.idleness.serves || this.sockets.waiting() === 0),
      late: (error) => life.dispatch({ type: 'launchFailed', error }),
    });
    this.idleness = new Idleness({
      now: parts.now,
      cameAndWent: parts.cameAndWent,
      idleMs: () => this.site?.idleMs ?? Infinity,
      presentIdleMs: () => this.#presentIdleMs,
      look: () => this.look(),
      attended: () => life.attended,
      used: () => this.#noteRunning(),
      idle: () => life.dispatch({ type: 'sleep', force: false }),
      failed: (error) => parts.log.error(`${name} could not be looked at: it counts as used`, { site: name, ...describeError(error) }),
    });
  }

  /** Another one, of which nothing is known. */
  begins(container: Container): void {
    this.#container = container;
    this.readiness.begins();
    this.idleness.begins();
    this.crippled = false;
  }

  /** One that an earlier activator started, or what is left of it. */
  found(container: Container): void {
    this.#container = container;
  }

  /** It is gone. */
  over(): void {
    this.#container = null;
  }

  /** Null: nothing runs, or is about to. */
  get container(): Container | null {
    return this.#container;
  }

  /** As what it was prepared. */
  get site(): Site | null {
    return this.prepared?.site ?? null;
  }

  /** Its clients, and who waits for it. */
  look(): Activity {
    return lookAt(this.sockets.served);
  }

  /** From now on somebody looks after its sockets, and when it was used. */
  attend(): void {
    this.sockets.guard();
    this.idleness.attend(this.sockets.listeners.flatMap(({ address }) => (address.family === 'ipv4' || address.family === 'ipv6' ? [address] : [])));
  }

  /** A program that was handed its socket sets the blocking mode when it likes. */
  noteFlags(): void {
    if (!this.note.hasFlags(this.sockets.statusFlags)) this.#noteRunning();
  }

  #noteRunning(): void {
    if (this.#life.attended && this.#container?.process) this.note.write();
  }

  /** Somebody who waits on the socket that this program does not serve is not made to wait for the whole idle time. */
  get #presentIdleMs(): number {
    const idleMs = this.site?.idleMs ?? Infinity;
    return this.sockets.unservedWaiting || this.crippled ? Math.min(idleMs, UNSERVED_IDLE_MS) : idleMs;
  }

  #noted(): Noted {
    const { name } = this.#life.state;
    return {
      pid: this.#container?.process?.pid ?? null,
      listening: name === 'awake' || (name === 'waking' && this.readiness.complete),
      listened: this.readiness.listening,
      stopping: this.ending.begun,
      toldMs: this.ending.toldMs,
      activeAtMs: this.idleness.lastActiveMs,
      baselines: this.sockets.baselines,
      served: this.sockets.served.map(({ inode }) => inode),
      statusFlags: this.sockets.statusFlags,
    };
  }
}
