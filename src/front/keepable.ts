/** Which answers of a site may be given to others while it sleeps, and to whom (RFC 9111 3 and 4). Who decides otherwise errs on the side of waking the site. */
import { keptAnswerBytesMax } from '../base/limits.ts';
import { Field, framingFields, kindOfName, oneHopFields, passes, type Fields } from './fields.ts';
import { Body } from './framing.ts';
import { foldName } from './octets.ts';
import { pathOf } from './request-facts.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

/** A request for what may be the same for all who ask. */
export interface SharedRequest {
  /** What is asked for, and how the program is told that it is: no two that differ in it share an answer. */
  readonly target: string;
  /** What of the request reaches the program; names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
}

export type FieldLines = readonly (readonly [name: string, value: string])[];

/** What tells one person from another; conditions that an answer of our own would have to fail (RFC 9110 13.1); and what makes another request of it for some programs, who do not say so in `Vary`. */
const notShared = new Set(['authorization', 'proxy-authorization', 'cookie', 'if-match', 'if-unmodified-since', 'x-http-method', 'x-http-method-override', 'x-method-override']);
/**
 * Stale answers are given by configuration (RFC 9111 4.2.4), which these of the answer forbid: `s-maxage` as much as `proxy-revalidate`, whose meaning it includes (5.2.2.10).
 */
const forbidding = new Set(['no-store', 'no-cache', 'private', 'must-revalidate', 'proxy-revalidate', 's-maxage', 'must-understand']);
const ofThisMessage = oneHopFields | framingFields;

/**
 * Null: the answer is for this one client, or not kept for want of a name: with a query anybody can ask for any number of things.
 * Only directly after the head was parsed.
 * @param trusted what the client says of the way the request came is passed on
 */
export function sharedRequest(bytes: Buffer, head: RequestHead, trusted: boolean): SharedRequest | null {
  if ((head.method !== 'GET' && head.method !== 'HEAD') || !head.safe || head.upgrades) return null;
  const fields = new Map<string, string>();
  for (let i = 0; i < head.fields.count; i++) {
    // As programs are given them.
    const name = foldName(head.fields.name(bytes, i));
    if (notShared.has(name)) return null;
    // What `Connection` names the program does not get: it cannot have answered to that.
    if (((oneHopFields >> (head.fields.kind[i] as number)) & 1) !== 0) continue;
    fields.set(name, listed(fields.get(name), head.fields.value(bytes, i)));
  }
  const target = targetOf(bytes, head, trusted);
  return target === null ? null : { target, fields };
}

/** Null: it has a query. Only directly after the head was parsed. */
export function targetOf(bytes: Buffer, head: RequestHead, trusted: boolean): string | null {
  if (bytes.subarray(head.targetStart, head.targetEnd).includes('?')) return null;
  return JSON.stringify([head.hostText.toLowerCase(), pathOf(bytes, head), ...trusted ? wayOf(bytes, head.fields) : []]);
}

/** What a program makes links of. */
function wayOf(bytes: Buffer, fields: Fields): string[] {
  const way: string[] = [];
  for (let i = 0; i < fields.count; i++) {
    const value = fields.value(bytes, i).toLowerCase();
    if (fields.kind[i] === Field.forwardedProto) way.push(`proto=${value}`);
    else if (fields.kind[i] === Field.forwardedHost) way.push(`host=${value}`);
    // Port, prefix and the like: a proxy that does not write them itself passes on what its client said.
    else if (fields.kind[i] === Field.forwarded && !isAddress(fields.name(bytes, i))) way.push(`${fields.name(bytes, i).toLowerCase()}=${value}`);
    else if (fields.kind[i] === Field.forwardedElements) way.push(...value.match(/(?:proto|host)=(?:"[^"]*"|[^\s;,"]*)/g) ?? []);
  }
  return way;
}

/** `X-Real-IP` and the like: each client's own, of which no link is made. */
function isAddress(name: string): boolean {
  return /-ip$/i.test(name);
}

/** Null: the answer may not be kept. Only directly after the head was parsed. */
export function keepableFields(bytes: Buffer, { fields }: ResponseHead): FieldLines | null {
  const lines: [string, string][] = [];
  for (let i = 0; i < fields.count; i++) {
    if (((ofThisMessage >> (fields.kind[i] as number)) & 1) !== 0) continue;
    const name = fields.name(bytes, i);
    const value = fields.value(bytes, i);
    const lower = name.toLowerCase();
    if (forbids(lower, value)) return null;
    // Of chunks, of which there are none any more.
    if (lower !== 'trailer') lines.push([name, value]);
  }
  return lines;
}

/** It lets the page in that asked for it, and does not say that it asked who that is: to all others it would be said as well. */
export function isForOrigin({ fields }: SharedRequest, answer: FieldLines): boolean {
  const allowed = lineOf(answer, 'access-control-allow-origin') ?? '*';
  return allowed !== '*' && fields.has('origin') && !answer.some(([name, value]) => name.toLowerCase() === 'vary' && listedNames(value).includes('origin'));
}

/** What was asked for is not there any more, is not for everybody, or is to be had elsewhere. What fails, or is too much at this time, says nothing of it. */
const overBy = new Set([301, 302, 303, 307, 308, 401, 403, 404, 410, 451]);

/** What the site has answered to the same before is not what it would say now. */
export function isOver(bytes: Buffer, { status, fields }: ResponseHead): boolean {
  if (status !== 200 && status !== 304) return overBy.has(status);
  for (let i = 0; i < fields.count; i++) {
    const name = fields.name(bytes, i).toLowerCase();
    // A cookie is for whoever gets this one.
    if (name !== 'set-cookie' && forbids(name, fields.value(bytes, i))) return true;
  }
  return false;
}

/** The whole of what was asked for, with an end that the program has told: what is cut off must not look whole. */
export function isWhole({ status, framing }: ResponseHead): boolean {
  return status === 200 && (framing.body === Body.chunked || (framing.body === Body.length && framing.length <= keptAnswerBytesMax));
}

function forbids(name: string, value: string): boolean {
  switch (name) {
    case 'set-cookie': return true;
    case 'vary': return listedNames(value).some((each) => each === '*' || (!ofTarget.has(each) && !passes(kindOfName(each))));
    case 'cache-control':
    case 'pragma': return value.toLowerCase().split(',').some((directive) => forbidding.has((directive.split('=', 1)[0] as string).trim()));
    default: return false;
  }
}

/** Of the request, what the answer depends on as `Vary` says: null where it has none of it. */
export function variantOf({ fields }: SharedRequest, answer: FieldLines): (readonly [name: string, value: string | null])[] {
  const names = new Set(answer.flatMap(([name, value]) => (name.toLowerCase() === 'vary' ? listedNames(value) : [])));
  return [...names].filter((name) => !ofTarget.has(name)).map((name) => [name, fields.get(name) ?? null]);
}

/** In {@link SharedRequest.target}, as the program gets them. What else tells of the way a request came differs from client to client. */
const ofTarget = new Set(['host', 'x-forwarded-host', 'x-forwarded-proto']);

function listedNames(list: string): string[] {
  return list.toLowerCase().split(',').map((each) => each.trim()).filter((each) => each !== '');
}

/** Whether an answer that was given to one is an answer to another (RFC 9111 4.1). */
export function suits(request: SharedRequest, variant: readonly (readonly [string, string | null])[], answer: FieldLines): boolean {
  const asked = (name: string): string | null => request.fields.get(name) ?? null;
  // Whether `Vary` says so or not: nginx by itself does not.
  return takesCoding(asked('accept-encoding'), lineOf(answer, 'content-encoding'))
    && variant.every(([name, value]) => name === 'accept-encoding' || asked(name) === value);
}

/** RFC 9110 12.5.3. Bare is taken by all but those who say otherwise. */
function takesCoding(asked: string | null, coding: string | null): boolean {
  const wanted = coding?.toLowerCase() ?? 'identity';
  const said = (asked ?? '').toLowerCase().split(',').map((each) => each.split(';').map((part) => part.trim()));
  const [, weight] = said.find(([name]) => name === wanted) ?? said.find(([name]) => name === '*') ?? [null, wanted === 'identity' ? 'q=1' : 'q=0'];
  return !/^q=0(?:\.0*)?$/.test(weight ?? 'q=1');
}

export function lineOf(lines: FieldLines, wanted: string): string | null {
  return lines.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? null;
}

function listed(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}
