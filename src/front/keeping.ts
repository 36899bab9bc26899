import { keptAnswerBytesMax, pieceBytes } from '../base/limits.ts';
import { Body } from './framing.ts';
import { withoutChunks } from './chunked.ts';
import { isForOrigin, isOver, isWhole, keepableFields, type FieldLines, type SharedRequest } from './keepable.ts';
import { confirmed, keptAnswer } from './kept-answer.ts';
import type { ResponseHead } from './response-head.ts';
import type { SiteAnswers } from './site-answers.ts';

/** One exchange as far as answers are kept: its answer is, if it may be; or what is kept is not true any more. */
export class Keeping {
  readonly #answers: SiteAnswers;
  readonly #target: string;
  readonly #request: SharedRequest | null;
  readonly #changes: number;
  /** Of the program that was asked: it may be another when it has answered. */
  readonly #edition: string | null;
  #fields: FieldLines | null = null;
  #chunked = false;
  #parts: Buffer[] = [];
  #bytes = 0;

  /** @param request null: it may change what others are told */
  constructor(answers: SiteAnswers, target: string, request: SharedRequest | null) {
    this.#answers = answers;
    this.#target = target;
    this.#request = request;
    if (request === null) answers.forget(target);
    this.#changes = answers.changes;
    this.#edition = answers.edition;
  }

  /** The head of the answer has come. Before anything is made of it. */
  answered(bytes: Buffer, head: ResponseHead): void {
    if (this.#request === null) return;
    if (isOver(bytes, head)) this.#answers.takeBack(this.#target);
    else if (head.status === 304) this.#confirm(bytes, head);
    if (!isWhole(head)) return;
    const fields = keepableFields(bytes, head);
    this.#fields = fields !== null && isForOrigin(this.#request, fields) ? null : fields;
    this.#chunked = head.framing.body === Body.chunked;
  }

  /** The site says that what it said before is still true. Who asks with a condition each time is most of those who ask at all. */
  #confirm(bytes: Buffer, head: ResponseHead): void {
    const kept = this.#answers.find(this.#target);
    if (kept === null) return;
    const fields = keepableFields(bytes, head);
    const again = fields === null ? null : confirmed(kept, fields, Date.now());
    if (again !== null && this.#isOfNow) this.#answers.keep(again);
  }

  /** More of its body. */
  body(bytes: Buffer): void {
    if (this.#fields === null) return;
    // A program may send single bytes, each of which is kept as a piece. What chunks need beside what is in them is of no matter.
    this.#bytes += bytes.length + pieceBytes;
    if (this.#bytes > 2 * keptAnswerBytesMax) this.drop();
    // A part may be a few bytes of a large buffer.
    else this.#parts.push(Buffer.from(bytes));
  }

  /** The exchange is complete. */
  done(): void {
    if (this.#request === null) {
      this.#answers.forget(this.#target);
      return;
    }
    const fields = this.#fields;
    if (fields === null || this.#edition === null || !this.#isOfNow) return;
    const raw = Buffer.concat(this.#parts);
    const body = this.#chunked ? withoutChunks(raw) : raw;
    this.drop();
    if (body.length <= keptAnswerBytesMax) this.#answers.keep(keptAnswer(this.#request, this.#edition, fields, body, Date.now()));
  }

  /** Nobody has asked for a change since it was asked for. */
  get #isOfNow(): boolean {
    return this.#changes === this.#answers.changes;
  }

  /** Nothing more is kept of it. */
  drop(): void {
    this.#fields = null;
    this.#parts = [];
  }
}
