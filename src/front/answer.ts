import { httpDate } from './http-date.ts';
import { escapeHtml, page } from './page.ts';

const reasons: Readonly<Record<number, string>> = {
  200: 'OK', 204: 'No Content', 304: 'Not Modified',
  400: 'Bad Request', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 408: 'Request Timeout', 410: 'Gone', 414: 'URI Too Long', 417: 'Expectation Failed',
  429: 'Too Many Requests', 431: 'Request Header Fields Too Large', 500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway',
  503: 'Service Unavailable', 504: 'Gateway Timeout', 505: 'HTTP Version Not Supported',
};

/** What the front door says itself, when no program does. */
export interface OwnAnswer {
  readonly status: number;
  /** One sentence, fit for anybody: no path, no program, no address of the machine. */
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** Why a site is not to be had, `ERR_WAKESOCK_…`. */
  readonly code?: string;
  /** Instead of the message. */
  readonly content?: Content;
  /** What the site itself said once, instead of all that. */
  readonly stored?: Stored;
}

export interface Stored {
  /** Whole lines, of which none tells how long the body is. */
  readonly lines: string;
  /** Null: there is none, as with 304. */
  readonly bytes: Buffer | null;
}

export interface Content {
  readonly type: string;
  readonly bytes: Buffer;
  /** Whole lines. */
  readonly fields?: string;
  /** Default: nobody may keep it. */
  readonly cacheControl?: string;
}

/** Who is answered. */
export interface Asker {
  readonly ofHead: boolean;
  /** A browser, or whoever else takes HTML. */
  readonly html: boolean;
  readonly host: string;
}

/** A whole response; the connection ends with it, since what follows is not known to be a request. */
export function ownAnswer(answer: OwnAnswer, asker: Asker): Buffer {
  const { status, retryAfterMs, stored } = answer;
  if (stored !== undefined) return storedAnswer(status, stored, asker.ofHead);
  const { type, bytes, fields = '', cacheControl = 'no-store' } = answer.content ?? contentOf(answer, asker);
  const retry = retryAfterMs === undefined ? '' : `Retry-After: ${secondsOf(retryAfterMs)}\r\n`;
  const about = status === 204 ? '' : `Content-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n`;
  const head = Buffer.from(`HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\nDate: ${httpDate()}\r\n${about}Cache-Control: ${cacheControl}\r\n${fields}${retry}Connection: close\r\n\r\n`, 'latin1');
  return asker.ofHead || status === 204 ? head : Buffer.concat([head, bytes]);
}

function storedAnswer(status: number, { lines, bytes }: Stored, ofHead: boolean): Buffer {
  const length = bytes === null ? '' : `Content-Length: ${bytes.length}\r\n`;
  const head = Buffer.from(`HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n${lines}${length}Connection: close\r\n\r\n`, 'latin1');
  return ofHead || bytes === null ? head : Buffer.concat([head, bytes]);
}

/** A browser's user gets a page, whoever can make something of a code gets JSON, and all others two lines. */
function contentOf({ status, message, code, retryAfterMs }: OwnAnswer, { html, host }: Asker): Content {
  if (html && status >= 500) return failurePage({ status, message, code: code ?? null, retryAfterMs: retryAfterMs ?? null, host });
  if (code !== undefined) return { type: 'application/json', bytes: Buffer.from(`${JSON.stringify({ error: { code, message } })}\n`) };
  return { type: 'text/plain; charset=utf-8', bytes: Buffer.from(`${status} ${reasons[status] ?? ''}\n${message}\n`) };
}

function failurePage({ status, message, code, retryAfterMs, host }: { status: number; message: string; code: string | null; retryAfterMs: number | null; host: string }): Content {
  const again = retryAfterMs === null ? '' : `<p>It is tried again ${retryAfterMs <= 1000 ? 'from now on' : `in ${secondsOf(retryAfterMs)} seconds at the earliest`}, when somebody asks for it.</p>\n`;
  const { html, policy } = page({
    title: `${host} is not available`,
    main: `<h1>${escapeHtml(host)} is not available</h1>
<p>${escapeHtml(message)}.</p>
${again}<p><a href="">Try again</a></p>
<p class="soft">${status} ${reasons[status] ?? ''}${code === null ? '' : ` <code>${escapeHtml(code)}</code>`}</p>`,
  });
  return htmlContent(Buffer.from(html), policy);
}

export function htmlContent(bytes: Buffer, policy: string): Content {
  return {
    type: 'text/html; charset=utf-8', bytes,
    fields: `Content-Security-Policy: ${policy}\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n`,
  };
}

/** RFC 9110 10.2.3: whole seconds. */
function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
