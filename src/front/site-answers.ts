import type { NoWakeRule } from '../site/front-keys.ts';
import type { OwnAnswer } from './answer.ts';
import type { AnswerStore } from './answer-store.ts';
import { matchesGlob } from './glob.ts';
import { Keeping } from './keeping.ts';
import { sharedRequest, targetOf } from './keepable.ts';
import { answerFrom, type KeptAnswer } from './kept-answer.ts';
import { pathOf } from './request-facts.ts';
import type { RequestHead } from './request-head.ts';

/** The answers of one site that are kept. */
export class SiteAnswers {
  readonly #store: AnswerStore;
  readonly #site: string;
  readonly #edition: () => string | null;
  /** Counts requests that may have changed something: what was answered before they were done may not be true any more. */
  #changes = 0;

  /** @param edition of the prepared site as it is now, null where there is none */
  constructor(store: AnswerStore, site: string, edition: () => string | null) {
    this.#store = store;
    this.#site = site;
    this.#edition = edition;
  }

  get changes(): number {
    return this.#changes;
  }

  get edition(): string | null {
    return this.#edition();
  }

  /** Null: none that may be given. */
  answer(bytes: Buffer, head: RequestHead, trusted: boolean, ageMsMax: number): OwnAnswer | null {
    const request = sharedRequest(bytes, head, trusted);
    if (request === null) return null;
    const kept = this.find(request.target);
    return kept === null ? null : answerFrom(kept, request, ageMsMax, Date.now());
  }

  /** As it was given by the site as it is now. */
  find(target: string): KeptAnswer | null {
    const kept = this.#store.find(this.#site, target);
    return kept !== null && kept.edition === this.#edition() ? kept : null;
  }

  /** A request is passed on. What is to be done with its answer, if anything. */
  begin(bytes: Buffer, head: RequestHead, trusted: boolean, rules: readonly NoWakeRule[]): Keeping | null {
    const path = pathOf(bytes, head);
    if (!rules.some((rule) => covers(rule, path))) return null;
    if (!head.safe) {
      const target = targetOf(bytes, head, trusted);
      return target === null ? null : new Keeping(this, target, null);
    }
    const request = head.method === 'GET' ? sharedRequest(bytes, head, trusted) : null;
    if (request === null) return null;
    const keeping = new Keeping(this, request.target, request);
    this.#store.begins(this.#site, request.target, keeping);
    return keeping;
  }

  keep(answer: KeptAnswer): void {
    this.#store.keep(this.#site, answer);
  }

  /** The site says something else by now. */
  takeBack(target: string): void {
    this.#store.forget(this.#site, target);
  }

  /** RFC 9111 4.4: what was asked for has perhaps been changed by that. */
  forget(target: string): void {
    this.#changes++;
    this.takeBack(target);
  }
}

/** Who asks is no matter: the answer is the same for all. */
function covers({ paths, answer }: NoWakeRule, path: string): boolean {
  return 'cachedMs' in answer && (paths.length === 0 || paths.some((glob) => matchesGlob(glob, path)));
}
