/** An answer that a site gave, as it is kept and given again: `cached:` of NoWake=. */
import fresh from 'fresh';
import type { OwnAnswer } from './answer.ts';
import { lineOf, suits, variantOf, type FieldLines, type SharedRequest } from './keepable.ts';

export interface KeptAnswer {
  /** {@link SharedRequest.target} */
  readonly target: string;
  /** Of the prepared site that gave it: another is another program. */
  readonly edition: string;
  /** When it came, or was said to be still true; milliseconds since the epoch. */
  readonly atMs: number;
  readonly fields: FieldLines;
  /** What it depends on, as the request had it. */
  readonly variant: readonly (readonly [name: string, value: string | null])[];
  readonly body: Buffer;
}

const LF = 0x0A;
const formatVersion = 1;

/** @param nowMs when it came */
export function keptAnswer(request: SharedRequest, edition: string, fields: FieldLines, body: Buffer, nowMs: number): KeptAnswer {
  return { target: request.target, edition, atMs: nowMs - ageMsOf(fields), fields: dated(fields, nowMs), variant: variantOf(request, fields), body };
}

/** A program may have it from a cache of its own. */
function ageMsOf(fields: FieldLines): number {
  const age = lineOf(fields, 'age') ?? '';
  return /^\d{1,9}$/.test(age) ? Number(age) * 1000 : 0;
}

/** RFC 9110 6.6.1: who keeps an answer notes when it came. */
function dated(fields: FieldLines, nowMs: number): FieldLines {
  const ageless = fields.filter(([name]) => name.toLowerCase() !== 'age');
  return lineOf(fields, 'date') === null ? [...ageless, ['Date', new Date(nowMs).toUTCString()]] : ageless;
}

/** Null: 304 is about something else (RFC 9111 4.3.4). */
export function confirmed(kept: KeptAnswer, fields: FieldLines, nowMs: number): KeptAnswer | null {
  if (!isSame(kept.fields, fields)) return null;
  const news = dated(fields, nowMs).filter(([name]) => !ofBody.has(name.toLowerCase()));
  const names = new Set(news.map(([name]) => name.toLowerCase()));
  return { ...kept, atMs: nowMs - ageMsOf(fields), fields: [...kept.fields.filter(([name]) => !names.has(name.toLowerCase())), ...news] };
}

/** The body is the one that was kept. */
const ofBody = new Set(['content-encoding', 'content-range', 'content-type']);

function isSame(before: FieldLines, now: FieldLines): boolean {
  const tag = bareTag(lineOf(now, 'etag'));
  if (tag !== null) return tag === bareTag(lineOf(before, 'etag'));
  const modified = lineOf(now, 'last-modified');
  return modified !== null && modified === lineOf(before, 'last-modified');
}

function bareTag(tag: string | null): string | null {
  return tag?.replace(/^W\//, '') ?? null;
}

/** Null: it is none for this request, or too old. */
export function answerFrom(kept: KeptAnswer, request: SharedRequest, ageMsMax: number, nowMs: number): OwnAnswer | null {
  // Of the future it is when the clock was set back: then nobody knows how old it is.
  const ageMs = nowMs - kept.atMs;
  if (ageMs < 0 || ageMs > ageMsMax || !suits(request, kept.variant, kept.fields)) return null;
  const own: FieldLines = [['Age', String(Math.floor(ageMs / 1000))], ['Cache-Status', 'wakesock; hit']];
  if (fresh(Object.fromEntries(request.fields), validatorsOf(kept.fields))) {
    return { status: 304, message: '', stored: { lines: linesOf([...kept.fields.filter(([name]) => goesWith304.has(name.toLowerCase())), ...own]), bytes: null } };
  }
  return { status: 200, message: '', stored: { lines: linesOf([...kept.fields, ...own]), bytes: kept.body } };
}

/** RFC 9110 15.4.5 */
const goesWith304 = new Set(['cache-control', 'content-location', 'date', 'etag', 'expires', 'last-modified', 'vary']);

function validatorsOf(fields: FieldLines): Record<string, string> {
  return Object.fromEntries(['etag', 'last-modified'].flatMap((name) => {
    const value = lineOf(fields, name);
    return value === null ? [] : [[name, value]];
  }));
}

function linesOf(fields: FieldLines): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

/** A line of JSON, and the body. */
export function toFile({ body, ...head }: KeptAnswer): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify({ version: formatVersion, length: body.length, ...head })}\n`), body]);
}

/** Null: cut off, or of another version. */
export function fromFile(bytes: Buffer): KeptAnswer | null {
  try {
    const end = bytes.indexOf(LF);
    const { version, length, ...head } = JSON.parse(bytes.toString('utf8', 0, end)) as Omit<KeptAnswer, 'body'> & { version: number; length: number };
    const body = bytes.subarray(end + 1);
    return version === formatVersion && body.length === length ? { ...head, body } : null;
  } catch {
    return null;
  }
}
