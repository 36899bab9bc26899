import { Field } from './fields.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

const oneHop = (1 << Field.connection) | (1 << Field.hop) | (1 << Field.upgrade) | (1 << Field.named);
const framing = (1 << Field.contentLength) | (1 << Field.transferEncoding);
/** What each proxy adds to: written anew for every request. */
const chain = (1 << Field.forwardedFor) | (1 << Field.forwardedElements) | (1 << Field.forwardedProto) | (1 << Field.forwardedHost);
const droppedOfTrusted = oneHop | chain;
const droppedOfRequest = droppedOfTrusted | (1 << Field.forwarded);

const closeLine = Buffer.from('Connection: close\r\n');
const ONE = 0x31;

/** Below this, copying is cheaper than a second buffer in the same write. */
export const copiedBytesMax = 4 * 1024;

/**
 * The head as the program gets it, and the bytes behind it up to `end` if they are few; in Latin-1, as one character stands for one byte.
 * @param suffix the lines we add, and the empty one
 * @param trusted what the client says of whose request it is stays
 * @param upgrade of the protocols that the client offers those that pass; empty: none
 */
export function composeRequest(bytes: Buffer, head: RequestHead, suffix: string, end: number, trusted: boolean, upgrade = ''): string {
  const { fields } = head;
  const dropped = trusted ? droppedOfTrusted : droppedOfRequest;
  let out = '';
  let runStart = head.start;
  const missingPath = head.missingPath(bytes);
  if (missingPath || head.targetStart !== head.start + head.method.length + 1) {
    out = missingPath ? `${head.method} /` : `${head.method} `;
    runStart = head.targetStart;
  }
  for (let i = 0; i < fields.count; i++) {
    if (((dropped >> (fields.kind[i] as number)) & 1) === 0) continue;
    out += bytes.toString('latin1', runStart, fields.lineStart[i]);
    runStart = fields.lineStart[i + 1] as number;
  }
  out += bytes.toString('latin1', runStart, fields.lineStart[fields.count]);
  if (upgrade !== '') out += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
  out += suffix;
  return end === head.end ? out : out + bytes.toString('latin1', head.end, end);
}

/**
 * The head as the client gets it, with the bytes behind it up to `end`. Nothing is copied but what stands before a line
 * that is dropped: it is moved towards the end, in place.
 * @param tunnel what follows is no body: neither a length nor a coding may say so (RFC 9110 9.3.6)
 */
export function composeResponse(bytes: Buffer, head: ResponseHead, end: number, close: boolean, tunnel = false): Buffer {
  const { fields, status } = head;
  bytes[head.start + 7] = ONE;
  let dropped = status === 101 ? (1 << Field.hop) : oneHop;
  if (tunnel || status < 200 || status === 204) dropped |= framing;
  let target = fields.lineStart[fields.count] as number;
  let runEnd = target;
  for (let i = fields.count - 1; i >= 0; i--) {
    if (((dropped >> (fields.kind[i] as number)) & 1) === 0) continue;
    target = moveUp(bytes, fields.lineStart[i + 1] as number, runEnd, target);
    runEnd = fields.lineStart[i] as number;
  }
  const fieldsStart = fields.lineStart[0] as number;
  target = moveUp(bytes, fieldsStart, runEnd, target);
  if (!close) return bytes.subarray(moveUp(bytes, head.start, fieldsStart, target), end);
  if (target - fieldsStart >= closeLine.length) {
    target -= closeLine.copy(bytes, target - closeLine.length);
    return bytes.subarray(moveUp(bytes, head.start, fieldsStart, target), end);
  }
  return Buffer.concat([bytes.subarray(head.start, fieldsStart), closeLine, bytes.subarray(target, end)]);
}

/** Moves a run so that it ends at `target`. @returns where it then begins */
function moveUp(bytes: Buffer, start: number, end: number, target: number): number {
  const moved = target - (end - start);
  if (moved !== start && end > start) bytes.copyWithin(moved, start, end);
  return moved;
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
