import type { WakeCause } from '../control/types.ts';
import type { OwnAnswer } from './answer.ts';
import type { Upstream } from './upstream.ts';

/** Who asks for a connection to a site's program. */
export interface Waiting {
  /** It may share a connection that others have used; else it gets a fresh one. */
  readonly reuses: boolean;
  /** For whom the site is woken. */
  cause(): WakeCause;
  connected(upstream: Upstream): void;
  /** @param unanswered a fresh connection was closed without a word: the site may know why */
  fail(answer: OwnAnswer, unanswered: boolean): void;
}
