import { Field, framingFields, oneHopFields, proxyFields, type Fields } from './fields.ts';
import { httpDate } from './http-date.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

/** What each proxy adds to: written anew for every request. */
const chain = (1 << Field.forwardedFor) | (1 << Field.forwardedElements) | (1 << Field.forwardedProto) | (1 << Field.forwardedHost);
const droppedOfTrusted = oneHopFields | chain;
const droppedOfRequest = droppedOfTrusted | (1 << Field.forwarded);

const maxForwards = 1 << Field.maxForwards;
const ONE = 0x31;

/** Up to this, one text of head and body is cheaper than two parts in the same write. */
export const copiedBytesMax = 4 * 1024;

/**
 * The head as the program gets it, and the bytes behind it up to `end` if they are few. As all text of a message it stands for its bytes one to one (Latin-1), and is
 * what Node writes at the least cost.
 * @param suffix the lines we add, and the empty one
 * @param trusted what the client says of whose request it is stays
 * @param upgrade of the protocols that the client offers those that pass; empty: none
 * @param toProxy the program is the proxy that the client asks: it is asked in the same form, and told who asks
 */
export function composeRequest(bytes: Buffer, head: RequestHead, suffix: string, end: number, trusted: boolean, upgrade = '', toProxy = false): string {
  const { fields } = head;
  const path = toProxy ? '' : head.missingPath(bytes);
  const asSent = toProxy || (path === '' && head.targetStart === head.start + head.method.length + 1);
  let dropped = trusted ? droppedOfTrusted : droppedOfRequest;
  if (toProxy) dropped &= ~proxyFields;
  if (head.maxForwards !== null) dropped |= maxForwards;
  const out = kept(bytes, fields, dropped, asSent ? head.start : head.targetStart, fields.lineStart[fields.count] as number);
  return (asSent ? out : `${head.method} ${path}${out}`)
    + (head.maxForwards === null ? '' : `Max-Forwards: ${head.maxForwards - 1}\r\n`)
    + (upgrade === '' ? suffix : `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n${suffix}`)
    + (end === head.end ? '' : bytes.toString('latin1', head.end, end));
}

/**
 * The head as the client gets it, with the bytes behind it up to `end`.
 * @param upgrade protocols that it names to go on in; empty: none
 * @param ofProxy the program is the proxy that the client asked: it may ask back who that is
 * @param tunnel what follows is no body: neither a length nor a coding may say so (RFC 9110 9.3.6)
 */
export function composeResponse(bytes: Buffer, head: ResponseHead, end: number, close: boolean, ofProxy: boolean, upgrade = '', tunnel = false): string {
  const { fields, framing, status } = head;
  const fieldsStart = fields.lineStart[0] as number;
  let dropped = oneHopFields;
  if (ofProxy) dropped &= ~proxyFields;
  if (tunnel || status < 200 || status === 204) dropped |= framingFields;
  bytes[head.start + 7] = ONE;
  const dated = framing.dated || status < 200;
  if (!close && upgrade === '' && dated) return kept(bytes, fields, dropped, head.start, end);
  const connection = upgrade === '' ? close ? 'Connection: close\r\n' : '' : `Upgrade: ${upgrade}\r\nConnection: ${close ? 'close, ' : ''}Upgrade\r\n`;
  return `${bytes.toString('latin1', head.start, fieldsStart)}${dated ? '' : `Date: ${httpDate()}\r\n`}${connection}${kept(bytes, fields, dropped, fieldsStart, end)}`;
}

/** The bytes from `start`, before the fields, to `end`, behind them, without the lines that are dropped. */
function kept(bytes: Buffer, fields: Fields, dropped: number, start: number, end: number): string {
  let out = '';
  let runStart = start;
  for (let i = 0; i < fields.count; i++) {
    if (((dropped >> (fields.kind[i] as number)) & 1) === 0) continue;
    out += bytes.toString('latin1', runStart, fields.lineStart[i]);
    runStart = fields.lineStart[i + 1] as number;
  }
  return out + bytes.toString('latin1', runStart, end);
}

/** What a proxy says of the client, and the empty line. @param hostText `Host` as the client sent it */
export function forwardedSuffix(address: string, hostText: string): string {
  return suffixOf([`X-Forwarded-For: ${address}`, 'X-Forwarded-Proto: http', `X-Forwarded-Host: ${hostText}`, `Forwarded: ${elementOf(address, hostText)}`]);
}

/**
 * The same of a request that a trusted proxy has passed on: what it says is kept, and the proxy itself is added. Of
 * `X-Forwarded-For` and `Forwarded` only those that it sends: the other would name the proxy as the client.
 */
export function extendedSuffix(bytes: Buffer, { fields }: RequestHead, address: string, hostText: string): string {
  const said = (kind: number): string | null => {
    const values: string[] = [];
    for (let i = 0; i < fields.count; i++) if (fields.kind[i] === kind) values.push(fields.value(bytes, i));
    return values.length === 0 ? null : values.join(', ');
  };
  const clients = said(Field.forwardedFor);
  const elements = said(Field.forwardedElements);
  const neither = clients === null && elements === null;
  return suffixOf([
    ...clients !== null || neither ? [`X-Forwarded-For: ${listed(clients, address)}`] : [],
    `X-Forwarded-Proto: ${said(Field.forwardedProto) ?? 'http'}`,
    `X-Forwarded-Host: ${said(Field.forwardedHost) ?? hostText}`,
    ...elements !== null || neither ? [`Forwarded: ${listed(elements, elementOf(address, hostText))}`] : [],
  ]);
}

function listed(before: string | null, last: string): string {
  return before === null || before === '' ? last : `${before}, ${last}`;
}

/** RFC 7239 6: an IPv6 address stands in brackets and quotes. */
function elementOf(address: string, hostText: string): string {
  const node = address.includes(':') ? `"[${address}]"` : address;
  return `for=${node};host="${hostText}";proto=http`;
}

function suffixOf(lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}
