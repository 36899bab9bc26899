import { Chunked } from '../../../src/front/chunked.ts';
import { Body } from '../../../src/front/framing.ts';
import { Refusal } from '../../../src/front/refusal.ts';
import { RequestHead } from '../../../src/front/request-head.ts';

/** What a message means, whoever read it. */
export interface Message {
  readonly method: string;
  readonly target: string;
  readonly minor: number;
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly complete: boolean;
}

export interface Reading {
  readonly messages: readonly Message[];
  readonly refused: number | null;
}

/** Reads requests as the relay does: the bytes that have come so far, again at each arrival. */
export function readRequests(pieces: readonly Buffer[]): Reading {
  const head = new RequestHead();
  const chunked = new Chunked();
  const messages: Message[] = [];
  let pending = Buffer.alloc(0);
  let searched = 0;
  let current: { -readonly [K in keyof Message]: Message[K] } | null = null;
  let raw: Buffer[] = [];
  let left = 0;
  try {
    for (const piece of pieces) {
      pending = Buffer.concat([pending, piece]);
      while (pending.length > 0) {
        if (current === null) {
          if (!head.parse(pending, 0, searched)) {
            searched = pending.length;
            break;
          }
          searched = 0;
          const target = pending.toString('latin1', head.targetStart, head.targetEnd);
          const fields = Array.from({ length: head.fields.count }, (_, i) => [head.fields.name(pending, i), head.fields.value(pending, i)]);
          current = {
            method: head.method, target: `${head.missingPath(pending)}${target}`, minor: head.minor,
            headers: fields.flat(), body: '', trailers: [], complete: false,
          };
          messages.push(current);
          raw = [];
          left = head.framing.body === Body.length ? head.framing.length : 0;
          chunked.reset();
          pending = pending.subarray(head.end);
        }
        const isChunked = head.framing.body === Body.chunked;
        const end = isChunked ? chunked.scan(pending, 0, pending.length) : Math.min(left, pending.length);
        raw.push(pending.subarray(0, end));
        pending = pending.subarray(end);
        left -= isChunked ? 0 : end;
        if (isChunked ? chunked.done : left === 0) {
          const bytes = Buffer.concat(raw).toString('latin1');
          Object.assign(current, isChunked ? decodeChunks(bytes) : { body: bytes }, { complete: true });
          current = null;
          // Behind CONNECT and a request to upgrade llhttp reads no further, and the relay waits for its answer.
          if (head.framing.close || head.connects || (head.framing.upgrade && head.framing.upgradeField !== -1)) return { messages, refused: null };
        }
      }
    }
  } catch (error) {
    if (error instanceof Refusal) return { messages, refused: error.status };
    throw error;
  }
  return { messages, refused: null };
}

/** Not the code under test: it knows that the text is well-formed. */
function decodeChunks(text: string): { body: string; trailers: string[] } {
  let body = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    at = lineEnd + 2;
    if (size === 0) break;
    body += text.slice(at, at + size);
    at += size + 2;
  }
  const lines = text.slice(at).split('\r\n').filter((line) => line !== '');
  return { body, trailers: lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]) };
}
