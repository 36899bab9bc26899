import { Field, type Fields } from './fields.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

const oneHop = (1 << Field.connection) | (1 << Field.hop) | (1 << Field.upgrade) | (1 << Field.named);
const framing = (1 << Field.contentLength) | (1 << Field.transferEncoding);
const droppedOfRequest = oneHop | (1 << Field.forwarded);

const closeLine = Buffer.from('Connection: close\r\n');
const upgradeLines = Buffer.from('Connection: Upgrade\r\nUpgrade: websocket\r\n');
const slash = Buffer.from('/');
const ONE = 0x31;

/** Below this, copying is cheaper than a second buffer in the same write. */
export const copiedBytesMax = 4 * 1024;

/**
 * The head as the program gets it, and the bytes behind it up to `end` if they are few.
 * @param suffix the lines we add, and the empty one
 */
export function composeRequest(bytes: Buffer, head: RequestHead, suffix: Buffer, end: number): Buffer {
  const { fields } = head;
  const fieldsStart = fields.lineStart[0] as number;
  const body = end - head.end;
  const out = Buffer.allocUnsafe(head.end - head.start + suffix.length + (head.websocket ? upgradeLines.length : 0) + 1 + body);
  let at = 0;
  if (head.targetStart === head.start + head.method.length + 1 && !head.missingPath(bytes)) {
    at += bytes.copy(out, at, head.start, fieldsStart);
  } else {
    at += bytes.copy(out, at, head.start, head.start + head.method.length + 1);
    if (head.missingPath(bytes)) at += slash.copy(out, at);
    at += bytes.copy(out, at, head.targetStart, fieldsStart);
  }
  at = copyKept(bytes, fields, droppedOfRequest, out, at);
  if (head.websocket) at += upgradeLines.copy(out, at);
  at += suffix.copy(out, at);
  if (body > 0) at += bytes.copy(out, at, head.end, end);
  return at === out.length ? out : out.subarray(0, at);
}

function copyKept(bytes: Buffer, fields: Fields, dropped: number, out: Buffer, start: number): number {
  let at = start;
  let runStart = fields.lineStart[0] as number;
  for (let i = 0; i < fields.count; i++) {
    if (((dropped >> (fields.kind[i] as number)) & 1) === 0) continue;
    const runEnd = fields.lineStart[i] as number;
    if (runEnd > runStart) at += bytes.copy(out, at, runStart, runEnd);
    runStart = fields.lineStart[i + 1] as number;
  }
  const runEnd = fields.lineStart[fields.count] as number;
  if (runEnd > runStart) at += bytes.copy(out, at, runStart, runEnd);
  return at;
}

/**
 * The head as the client gets it, with the bytes behind it up to `end`. Nothing is copied but what stands before a line
 * that is dropped: it is moved towards the end, in place.
 */
export function composeResponse(bytes: Buffer, head: ResponseHead, end: number, close: boolean): Buffer {
  const { fields, status } = head;
  bytes[head.start + 7] = ONE;
  let dropped = status === 101 ? (1 << Field.hop) : oneHop;
  if (status < 200 || status === 204) dropped |= framing;
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

/** An IPv4 client of an IPv6 socket is what it is. */
export function clientAddress(remoteAddress: string): string {
  return remoteAddress.startsWith('::ffff:') && remoteAddress.includes('.') ? remoteAddress.slice('::ffff:'.length) : remoteAddress;
}

/** What a proxy says of the client, and the empty line. @param hostText `Host` as the client sent it */
export function forwardedSuffix(remoteAddress: string, hostText: string): Buffer {
  const address = clientAddress(remoteAddress);
  // RFC 7239 6: an IPv6 address stands in brackets and quotes.
  const node = address.includes(':') ? `"[${address}]"` : address;
  return Buffer.from(`X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: ${hostText}\r\n`
    + `Forwarded: for=${node};host="${hostText}";proto=http\r\n\r\n`, 'latin1');
}
