/** Clearing away what is left of a site's program, however it ended: nothing of it stays, and the sockets are as their unit made them. */
import { storedKinds } from '../systemd/fd-names.ts';
import { clearAway } from './clear-away.ts';
import type { Living } from './living.ts';
import type { RunnerParts } from './parts.ts';
import type { Program } from './program.ts';
import { rememberShutDown } from './shuts-listener.ts';
import { killAll } from './starting.ts';
import type { Waking } from './waking.ts';

export class Clearing {
  readonly #parts: RunnerParts;
  readonly #life: Living;
  readonly #program: Program;
  readonly #waking: Pick<Waking, 'abort'>;
  #underWay: Promise<void> | null = null;

  constructor(parts: RunnerParts, life: Living, program: Program, waking: Pick<Waking, 'abort'>) {
    this.#parts = parts;
    this.#life = life;
    this.#program = program;
    this.#waking = waking;
  }

  get underWay(): boolean {
    return this.#underWay !== null;
  }

  /** What still runs is ended. Ends in an event `gone`; asked for again meanwhile, in the same one. */
  begin(): void {
    this.#underWay ??= this.#clear()
      .finally(() => {
        this.#underWay = null;
        this.#program.over();
        this.#life.dispatch({ type: 'gone' });
      });
  }

  async #clear(): Promise<void> {
    const { name, sockets, container, readiness, idleness, ending, note } = this.#program;
    const { crun, fdStore, log } = this.#parts;
    readiness.clearDeadline();
    await clearAway(name, log, [() => idleness.end()]);
    await this.#waking.abort();
    await clearAway(name, log, container ? [() => killAll(name, container, crun), () => container.untilGone()] : []);
    ending.over();
    await clearAway(name, log, [
      () => sockets.disarm(),
      () => {
        const changed = sockets.release(true);
        if (changed.length > 0) log.debug('Undid what the program did to its socket', { site: name, changed: changed.join(' ') });
        if (changed.includes('shutdown')) rememberShutDown(name, this.#parts);
      },
      ...storedKinds.map((kind) => () => fdStore.drop(`${kind}=${name}`)),
      () => crun.delete(name),
      () => note.remove(),
      () => sockets.verify(),
    ]);
  }
}
