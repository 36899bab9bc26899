/** What is answered for a site that sleeps, without its program. */
import type { StoredState } from '../control/stored-state.ts';
import type { FrontKeys, NoWakeRule } from '../site/front-keys.ts';
import { htmlContent, type OwnAnswer } from './answer.ts';
import { typeOf, type FrontFiles } from './front-files.ts';
import { escapeHtml } from './page.ts';
import type { RequestHead } from './request-head.ts';
import { waitPage, waitPageRefreshS } from './wait-page.ts';

const wellKnownPath = Buffer.from('/.well-known/wakesock');
const DOT = 0x2E;
const QUESTION = 0x3F;

/** A site's answer for a request that is not to wake it, and which is so cheap that it may be asked again and again. */
const retryMs = 60_000;
/** A file may be another when the site is awake. */
const fileCacheControl = 'max-age=60';

/** Whether a request is for the state of its site. One look at one byte tells of nearly all that they are not. */
export function asksForState(bytes: Buffer, { targetStart, targetEnd }: RequestHead): boolean {
  if (bytes[targetStart + 1] !== DOT) return false;
  const end = targetStart + wellKnownPath.length;
  if (end > targetEnd || (end < targetEnd && bytes[end] !== QUESTION)) return false;
  return bytes.compare(wellKnownPath, 0, wellKnownPath.length, targetStart, end) === 0;
}

/** `GET /.well-known/wakesock`: 200 unless the last start failed, so that a monitor needs to read no body. */
export function stateAnswer({ state, error }: Pick<StoredState, 'state' | 'error'>, method: string): OwnAnswer {
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, message: 'The state is asked for with GET or HEAD', content: { ...text('The state is asked for with GET or HEAD'), fields: 'Allow: GET, HEAD\r\n' } };
  }
  const failed = state === 'failed';
  const retryAt = failed ? error?.retryAt : undefined;
  const body = { state, healthy: !failed, ...(failed && error !== null ? { error: error.code } : {}), ...(retryAt === undefined ? {} : { retryAt }) };
  return {
    status: failed ? 503 : 200, message: state,
    ...(failed ? { retryAfterMs: retryAt === undefined ? 0 : Math.max(0, Date.parse(retryAt) - Date.now()) } : {}),
    content: { type: 'application/json', bytes: Buffer.from(`${JSON.stringify(body)}\n`) },
  };
}

/** @param kept the site's own last answer, null where there is none that is young enough @returns null: the rule has none, and does not count */
export function noWakeAnswer({ answer }: NoWakeRule, files: FrontFiles, kept: (ageMsMax: number) => OwnAnswer | null): OwnAnswer | null {
  if ('cachedMs' in answer) return kept(answer.cachedMs);
  if ('file' in answer) {
    const bytes = files.read(answer.file);
    if (bytes !== null) return { status: 200, message: '', content: { type: typeOf(answer.file), bytes, cacheControl: fileCacheControl, fields: 'X-Content-Type-Options: nosniff\r\n' } };
  }
  const status = 'status' in answer ? answer.status : 503;
  const message = 'This site sleeps, and is not woken for this request';
  return { status, message, ...(status === 503 || status === 429 ? { retryAfterMs: retryMs } : {}), content: text(message) };
}

/**
 * 503 (RFC 9110 15.6.4), not 200: it is not what was asked for. Crawlers come again instead of taking this for the page, monitors see that it is
 * not up, and nothing keeps it. Browsers show it all the same.
 */
export function waitAnswer({ waitPage: path }: FrontKeys, host: string, waitedMs: number, files: FrontFiles): OwnAnswer {
  const own = path === null ? null : files.read(path);
  if (own !== null) {
    // What a person put there may load what it likes, and need not know how to come again.
    return { status: 503, message: '', retryAfterMs: waitPageRefreshS * 1000, content: { type: 'text/html; charset=utf-8', bytes: own, fields: `Refresh: ${waitPageRefreshS}\r\nX-Content-Type-Options: nosniff\r\n` } };
  }
  const { html, policy } = waitPage(escapeHtml(host), waitedMs);
  return { status: 503, message: '', retryAfterMs: waitPageRefreshS * 1000, content: htmlContent(Buffer.from(html), policy) };
}

function text(message: string): { type: string; bytes: Buffer } {
  return { type: 'text/plain; charset=utf-8', bytes: Buffer.from(`${message}\n`) };
}
