import { Field } from './fields.ts';
import type { RequestHead } from './request-head.ts';

/** What matters of a request only while its site sleeps: strings are made of it, so only then. */
export interface RequestFacts {
  readonly method: string;
  /** Without its query, as it was sent. */
  readonly path: string;
  /** `User-Agent`; empty where there is none. */
  readonly agent: string;
  /** A browser opens a page, and whatever it is shown there is for a person. */
  readonly navigation: boolean;
}

/** An answer to these would be taken for something else (RFC 9110 13, 14). */
const wantsThisVeryThing = new Set(['range', 'if-range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']);
/** Loaded ahead, to be shown later: by then the page would be wrong. */
const purposes = new Set(['purpose', 'sec-purpose', 'x-moz', 'x-purpose']);

/** Only directly after the head was parsed: {@link RequestHead.fields}. */
export function factsOf(bytes: Buffer, head: RequestHead): RequestFacts {
  const { fields, method } = head;
  let agent = '';
  let mode: string | null = null;
  let destination: string | null = null;
  let plain = method === 'GET' && head.safe && !head.framing.upgrade;
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== Field.other) continue;
    const name = fields.name(bytes, i).toLowerCase();
    if (name === 'user-agent') agent = fields.value(bytes, i);
    else if (name === 'sec-fetch-mode') mode = fields.value(bytes, i);
    else if (name === 'sec-fetch-dest') destination = fields.value(bytes, i);
    else if (wantsThisVeryThing.has(name) || name === 'x-requested-with' || name === 'service-worker') plain = false;
    else if (purposes.has(name) && fields.value(bytes, i).toLowerCase().includes('prefetch')) plain = false;
  }
  // Browsers say Sec-Fetch-… where the connection is safe, over HTTPS or to the machine itself; elsewhere they say only what they take.
  const asks = mode === null && destination === null ? head.html : mode === 'navigate' && destination === 'document';
  return { method, path: pathOf(bytes, head), agent, navigation: plain && asks };
}

/** Without its query, as it was sent. */
export function pathOf(bytes: Buffer, { targetStart, targetEnd }: RequestHead): string {
  const target = bytes.toString('latin1', targetStart, targetEnd);
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  return path === '' ? '/' : path;
}
