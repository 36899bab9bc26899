/** Waking a site: its program is started, given its sockets, and told of when it listens on all of them. Why it did not come to that. */
import { WakesockError, describeError } from '../base/errors.ts';
import { Adoption } from '../wake/adoption.ts';
import { mendEpoll } from '../wake/epoll-mend.ts';
import type { BlockingModes } from './blocking-modes.ts';
import { Container } from './container.ts';
import type { Living } from './living.ts';
import type { RunnerParts } from './parts.ts';
import type { Program } from './program.ts';
import { processIdentity } from './runtime-state.ts';
import type { SiteRecord } from './site-record.ts';
import { startContainer, whyNotStarted } from './starting.ts';

export interface WakingParts {
  readonly life: Living;
  readonly record: SiteRecord;
  readonly program: Program;
  readonly modes: Pick<BlockingModes, 'watch'>;
  /** The program has ended, and was not being started. */
  readonly ended: () => void;
}

export class Waking {
  readonly #parts: RunnerParts;
  readonly #site: WakingParts;
  #launching: { readonly done: Promise<void>; readonly abort: AbortController } | null = null;
  /** An earlier activator started the program. */
  #takenOver = false;

  constructor(parts: RunnerParts, site: WakingParts) {
    this.#parts = parts;
    this.#site = site;
  }

  /** Ends in an event `listening` or `launchFailed`, unless it is aborted. */
  launch(container: Container, by: string): void {
    const { record, program } = this.#site;
    record.wakeBegins(by);
    this.#parts.gracePeriod?.begin();
    program.begins(container);
    this.#takenOver = false;
    const abort = new AbortController();
    program.sockets.choose();
    const done = this.#launch(container, abort.signal).then(
      () => {},
      (error: unknown) => this.#launchFailed(container, error),
    );
    this.#launching = { done, abort };
  }

  /** Resolves when crun, if it was under way, does nothing more. */
  async abort(): Promise<void> {
    this.#launching?.abort.abort();
    await this.#launching?.done;
  }

  /**
   * Goes on with a program that an earlier activator started.
   *
   * @param notifyFd null: it asks for nothing any more
   */
  takeOver(container: Container, notifyFd: number | null): void {
    this.#takenOver = true;
    if (notifyFd !== null) this.#answerFrom(container, notifyFd);
  }

  /** A seccomp notify descriptor of this site's container, sent by crun. */
  notifyFdArrived(fd: number, pid: number): boolean {
    const { life, record, program: { name, container } } = this.#site;
    // crun may have ended before its message is read, and its program with it: then the next one is not to be taken for that.
    if (!container || container.notifyFd !== null || life.state.name !== 'waking' || processIdentity(pid) === null) return false;
    record.phase('go');
    this.#parts.fdStore.keep(`notify=${name}`, [fd]);
    container.isProcess(pid);
    this.watchExit(container);
    this.#answerFrom(container, fd);
    return true;
  }

  /** @param takenOver an earlier activator has told of what was killed before */
  watchExit(container: Container, takenOver = false): void {
    const { life, record, program, ended } = this.#site;
    if (this.#parts.oomKills) container.watchOomKills(this.#parts.oomKills, takenOver, (count) => record.oomKilled(count));
    void container.exited.then(() => {
      if (program.container !== container) return;
      if (life.state.name !== 'waking') return ended();
      this.#startFailed(container, new WakesockError('ERR_WAKESOCK_EXITED', 'The program ended before it listened'));
    });
  }

  async #launch(container: Container, signal: AbortSignal): Promise<void> {
    const { record, program } = this.#site;
    const pid = await startContainer(program.name, container, () => program.sockets.listeners.map(({ fd }) => fd), signal, this.#parts, {
      prepared: (prepared) => {
        program.prepared = prepared;
        program.readiness.setDeadline(prepared.site.startTimeoutMs);
        program.note.write();
      },
      reached: (phase) => record.phase(phase),
      hindered: (error) => this.#hindered(error),
    });
    this.#launching = null;
    container.isProcess(pid);
    this.watchExit(container);
    program.note.write();
    if (program.site?.handoff === 'listen-fds') this.#nowListening();
  }

  #hindered(error: WakesockError | null): void {
    const { name, readiness } = this.#site.program;
    if (error && readiness.hindrance === null) this.#parts.log.warn(`${name} waits for the bus: ${error.message}`, { site: name, code: error.code });
    readiness.hindrance = error && describeError(error);
  }

  #launchFailed(container: Container, error: unknown): void {
    this.#launching = null;
    if (this.#site.program.container === container) this.#startFailed(container, error);
  }

  #startFailed(container: Container, error: unknown): void {
    const { life, program } = this.#site;
    // What is left of it is ended once more when it is cleared away.
    void whyNotStarted(program.name, container, error, this.#parts).catch(() => describeError(error)).then((explained) => {
      if (program.container === container) life.dispatch({ type: 'launchFailed', error: explained });
    });
  }

  #answerFrom(container: Container, fd: number): void {
    const { life, record, program } = this.#site;
    const { name, sockets, readiness, idleness, note } = program;
    const adoption = new Adoption(fd, () => sockets.all, () => readiness.pairings, {
      // Its blocking mode is lost when the next activator is started. Most often it is the one that was noted before.
      giving: () => {
        if (!note.hasFlags(sockets.statusFlags)) note.write();
      },
      willListen: (listener) => {
        readiness.listensOn(listener.inode);
        if (life.state.name !== 'waking') return;
        // Before it is told: it may have answered its client by the time that we go on.
        if (readiness.complete) record.phase('listen');
        idleness.touch();
        note.write();
      },
      listening: () => {
        if (readiness.complete) this.#nowListening();
      },
      failed: (error) => life.dispatch({ type: 'launchFailed', error: describeError(error) }),
      shutdownRefused: () => this.#parts.log.debug('The program tried to shut its listener down', { site: name }),
      mendEpoll,
    });
    container.hasNotifyFd(fd, () => adoption.answerOne());
  }

  #nowListening(): void {
    const { life, record, program: { container, site, readiness, idleness, note }, modes } = this.#site;
    if (life.state.name !== 'waking') return;
    readiness.announced();
    record.wakeEnds(site?.handoff !== 'listen-fds');
    idleness.touch();
    life.dispatch({ type: 'listening' });
    note.write();
    if (this.#takenOver && container) modes.watch(container);
    life.repeatSleep();
  }
}
