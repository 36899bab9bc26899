/**
 * Blocking modes of a running program's sockets, which it shares with everybody. systemd makes every socket that it passes
 * blocking (NonBlocking=), at each start of the service: what is taken over gets its own back.
 */
import { O_NONBLOCK } from '../linux/constants.ts';
import { getStatusFlags } from '../linux/fd.ts';
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { interruptCalls } from '../idle/stop.ts';
import type { SiteSockets } from '../sockets/site-sockets.ts';
import { watchesByEpoll } from '../wake/epoll-registrations.ts';
import type { Container } from './container.ts';
import type { Living } from './living.ts';
import type { Program } from './program.ts';

/** After a take-over, and twice this and so on: nothing announces that a program waits for its socket with epoll. */
const LOOK_MS_FIRST = 25;
const LOOK_MS_LAST = 3_200;

export class BlockingModes {
  readonly #life: Pick<Living, 'unsettled'>;
  readonly #program: Pick<Program, 'name' | 'sockets' | 'container' | 'noteFlags'>;
  readonly #log: Log;
  #interrupted: Promise<void> = Promise.resolve();
  /** What is frozen for an instant. */
  readonly #frozen = new Set<Container>();
  #ended = false;

  constructor(life: Pick<Living, 'unsettled'>, program: Pick<Program, 'name' | 'sockets' | 'container' | 'noteFlags'>, log: Log) {
    this.#life = life;
    this.#program = program;
    this.#log = log;
  }

  /** Settled, unless the program is frozen for an instant. */
  get interrupted(): Promise<void> {
    return this.#interrupted;
  }

  /** @param noted by the dead activator */
  putBack(container: Container, noted?: readonly number[]): void {
    this.#program.sockets.statusFlags = modesOf(this.#program.sockets, container, noted);
  }

  /** A program whose socket was blocking for a while may be waiting in accept(2) by now: that call is made anew. */
  interrupt(container: Container): void {
    if (!container.cgroup || this.#ended) return;
    this.#frozen.add(container);
    this.#interrupted = interruptCalls(container.cgroup)
      .catch((error: unknown) => {
        const { name } = this.#program;
        this.#log.error(`What ${name} waits for could not be asked for anew: a client may have to come before it goes on`, { site: name, ...describeError(error) });
      })
      .finally(() => this.#frozen.delete(container));
  }

  /** The activator ends. What is frozen would stay so until the next one comes, with the connections that it has. */
  end(): void {
    this.#ended = true;
    for (const { cgroup } of this.#frozen) cgroup?.thaw();
  }

  /**
   * Who was made non-blocking by its program between its `bind` and the next activator's start, and noted by none, is known
   * only once its program waits for it with epoll.
   */
  watch(container: Container, afterMs = LOOK_MS_FIRST): void {
    if (afterMs > LOOK_MS_LAST) return;
    setTimeout(() => {
      if (this.#program.container !== container || !container.process) return;
      this.#look(container);
      this.watch(container, afterMs * 2);
    }, afterMs).unref();
  }

  #look(container: Container): void {
    const { sockets } = this.#program;
    const modes = modesOf(sockets, container);
    // While it is frozen for a stop it is not thawed for this.
    if (this.#life.unsettled || modes.join() === sockets.statusFlags.join()) return;
    sockets.statusFlags = modes;
    this.#program.noteFlags();
    this.interrupt(container);
  }
}

/**
 * As the program left them. What the dead activator noted may be older than the program's own `fcntl`; but who waits for a
 * socket with epoll does not want to wait in accept(2) too.
 *
 * @param noted in the order of the sockets that are served; by default what they are now
 */
function modesOf(sockets: SiteSockets, { cgroup, process }: Container, noted: readonly number[] = []): number[] {
  const processes = cgroup?.processes() ?? (process ? [process.pid] : []);
  return sockets.served.map(({ fd, inode }, index) => {
    const flags = noted[index] ?? getStatusFlags(fd);
    return processes.some((pid) => watchesByEpoll(pid, inode)) ? flags | O_NONBLOCK : flags;
  });
}
