import type { StoredState } from '../control/stored-state.ts';
import type { FrontKeys } from '../site/front-keys.ts';
import type { OwnAnswer } from './answer.ts';
import type { FrontFiles } from './front-files.ts';
import type { Keeping } from './keeping.ts';
import { rulesOf } from './no-wake.ts';
import type { RequestFacts } from './request-facts.ts';
import type { RequestHead } from './request-head.ts';
import type { SiteAnswers } from './site-answers.ts';
import { noWakeAnswer } from './sleeping.ts';

export interface StandInOptions {
  readonly files: FrontFiles;
  readonly answers: SiteAnswers;
  /** What its file says, at this moment. */
  readonly keys: () => FrontKeys;
  /** Whether there is any `NoWake=`. */
  readonly hasRules: () => boolean;
  /** What is known of it without asking anybody. */
  readonly state: () => StoredState;
}

/** What a site that sleeps is not woken for (`NoWake=`), and what is answered in its place. */
export class StandIn {
  readonly #options: StandInOptions;

  constructor(options: StandInOptions) {
    this.#options = options;
  }

  /**
   * The site is not known to be awake. Only directly after the head was parsed.
   * @param client whose request it is
   * @param trusted what the client says of the way the request came is passed on
   * @returns null: it is to be woken
   */
  answer(bytes: Buffer, head: RequestHead, { facts, client, trusted }: { facts: () => RequestFacts; client: () => string; trusted: boolean }): OwnAnswer | null {
    const { hasRules, state: stateOf, keys, files, answers } = this.#options;
    if (!hasRules()) return null;
    const { state, wokenAtMs } = stateOf();
    if (state === 'awake' || state === 'waking') return null;
    for (const rule of rulesOf(keys().noWake, facts(), client(), wokenAtMs)) {
      const answer = noWakeAnswer(rule, files, (ageMsMax) => answers.answer(bytes, head, trusted, ageMsMax));
      if (answer !== null) return answer;
    }
    return null;
  }

  /** A request is passed on: what its answer is to be kept by, if at all. Only directly after the head was parsed. */
  keeping(bytes: Buffer, head: RequestHead, trusted: boolean): Keeping | null {
    if (!this.#options.hasRules()) return null;
    const { keepsAnswers, noWake } = this.#options.keys();
    return keepsAnswers ? this.#options.answers.begin(bytes, head, trusted, noWake) : null;
  }
}
