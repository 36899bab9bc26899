/** Stopping a site's program: tried, held up or begun; and the end of one whose stop was begun, however many activators that takes. */
import { freezeMsMax } from '../base/limits.ts';
import { WakesockError, describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { beginStop, finishStop } from '../idle/stop.ts';
import type { BlockingModes } from './blocking-modes.ts';
import type { Container } from './container.ts';
import type { Living } from './living.ts';
import type { Program } from './program.ts';

export class Stopping {
  readonly #life: Living;
  readonly #program: Program;
  readonly #modes: Pick<BlockingModes, 'interrupted'>;
  readonly #log: Log;

  constructor(life: Living, program: Program, modes: Pick<BlockingModes, 'interrupted'>, log: Log) {
    this.#life = life;
    this.#program = program;
    this.#modes = modes;
    this.#log = log;
  }

  /** Ends in an event `stopping` or `inUse`. */
  stop(force: boolean): void {
    this.#stop(force).catch((error: unknown) => this.#failed(force, error));
  }

  /**
   * A program was taken over: what was begun of a stop goes on.
   *
   * @param midStop the program is frozen and was not told yet, as far as is known
   */
  takenOver(container: Container, midStop: boolean): void {
    const { ending, note, site } = this.#program;
    if (ending.begun) this.holdAgain();
    const outcome = midStop && container.process ? finishStop({ ...container.process, cgroup: container.cgroup }, site?.stopSignal ?? 'TERM') : 'signalled';
    if (ending.begun && outcome === 'signalled') this.#told(container);
    else note.write();
  }

  /** An activator that was told to end, with nobody to come after it, let the clients of its last stops go. */
  holdAgain(): void {
    try {
      this.#program.sockets.hold();
    } catch (error) {
      this.#log.error(`Clients of ${this.#program.name} could not be held`, { site: this.#program.name, ...describeError(error) });
    }
  }

  async #stop(force: boolean): Promise<void> {
    const { sockets, idleness, ending, note, container, site } = this.#program;
    const process = container?.process;
    if (!container || !process) return this.#inUse(force);
    await this.#modes.interrupted;
    // Nobody would be left to undo it.
    if (this.#life.retired) return this.#inUse(force);
    const outcome = await beginStop({
      ...process,
      cgroup: container.cgroup,
      hold: () => sockets.hold(),
      unhold: () => void sockets.release(false),
      look: () => this.#program.look(),
      // It may have ended by itself while it was being frozen: then there is nobody to stop.
      quiet: (activity) => !this.#life.retired && this.#program.container === container && container.process !== null
        && (force || (this.#life.sleepAsked ? idleness.isNobodyNow(activity) : idleness.isQuiet(activity))),
      committed: () => {
        idleness.end();
        ending.begins();
        note.write();
        this.#life.dispatch({ type: 'stopping' });
      },
    }, site?.stopSignal ?? 'TERM');
    if (outcome === 'inUse') return this.#inUse(force);
    if (outcome === 'signalled') this.#told(container);
  }

  /** The program knows that it is to end. Noted at once: to most programs a second stop signal means to drop everybody. */
  #told(container: Container): void {
    const { ending, note, site } = this.#program;
    ending.told();
    note.write();
    ending.limit(container, site);
  }

  #inUse(force: boolean): void {
    const why = force ? `could not be frozen within ${freezeMsMax} ms, or is ending by itself` : 'is in use; --force closes its connections';
    this.#program.idleness.wasInUse();
    this.#life.notStopped(new WakesockError('ERR_WAKESOCK_BUSY', `${this.#program.name} ${why}`), force);
  }

  /** Nothing was begun: it is tried again at the next look, not at once. */
  #failed(force: boolean, error: unknown): void {
    const { name, idleness } = this.#program;
    this.#log.error(`${name} could not be stopped`, { site: name, ...describeError(error) });
    const { code, message } = describeError(error);
    idleness.touch();
    this.#life.notStopped(new WakesockError(code, message), force);
  }
}
