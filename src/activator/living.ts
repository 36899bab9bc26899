/** How a site's life goes on: what happens goes to the pure reducer, one event after another, and its effects to who carries them out. */
import { describeError } from '../base/errors.ts';
import { born, next, type Effect, type Event, type Life, type State } from '../lifecycle/lifecycle.ts';
import type { RunnerParts } from './parts.ts';
import type { SiteRecord } from './site-record.ts';

export interface LivingParts extends Pick<RunnerParts, 'now' | 'log' | 'changed'> {
  readonly name: string;
  readonly record: Pick<SiteRecord, 'stateChanged'>;
  readonly carryOut: (effect: Effect) => void;
  /** What comes of an effect that failed. */
  readonly report: (event: Event) => void;
  /** Clients are not waited for: it is to be tried again. */
  readonly notArmed: () => void;
}

export class Living {
  #life: Life = born;
  readonly #events: Event[] = [];
  readonly #parts: LivingParts;

  constructor(parts: LivingParts) {
    this.#parts = parts;
  }

  get state(): State {
    return this.#life.state;
  }

  /** Effects may report events in turn: those wait until this one is done with. */
  dispatch(event: Event): void {
    this.#events.push(event);
    if (this.#events.length > 1) return;
    const { now, record, changed } = this.#parts;
    for (let current = this.#events[0]; current !== undefined; this.#events.shift(), current = this.#events[0]) {
      const before = this.#life.state.name;
      const step = next(this.#life, current, now());
      this.#life = step.life;
      for (const effect of step.effects) this.carryOut(effect);
      if (before !== this.#life.state.name) record.stateChanged(before, this.#life.state);
    }
    changed();
  }

  /** No descriptors left, a path taken away: the site goes on as well as it can, and the others are not touched. */
  carryOut(effect: Effect): void {
    const { name, log, carryOut, report, notArmed } = this.#parts;
    try {
      carryOut(effect);
    } catch (error) {
      log.error(`${name}: ${effect.type} failed`, { site: name, ...describeError(error) });
      // What was to be looked after is ended rather than forgotten.
      if (effect.type === 'launch' || effect.type === 'attend') report({ type: 'launchFailed', error: describeError(error) });
      if (effect.type === 'arm') notArmed();
    }
  }
}
