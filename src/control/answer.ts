import type { ServerResponse } from 'node:http';
import { describeError, type ErrorCode } from '../base/errors.ts';
import { BackoffError } from './backend.ts';
import { RouteError } from './route.ts';

/** Codes that are not the default 409: the site is there, what was asked of it could not be done. */
const statuses: Partial<Record<ErrorCode, number>> = {
  ERR_WAKESOCK_USAGE: 400,
  ERR_WAKESOCK_SITE_NAME: 400,
  ERR_WAKESOCK_SITE_NOT_FOUND: 404,
  ERR_WAKESOCK_LIMIT: 413,
  ERR_WAKESOCK_INTERNAL: 500,
  ERR_WAKESOCK_STATE_DIR: 500,
  ERR_WAKESOCK_SYSCALL: 500,
  ERR_WAKESOCK_BACKOFF: 503,
  ERR_WAKESOCK_BUS: 503,
  ERR_WAKESOCK_NOT_RUNNING: 503,
};

/** Sends one JSON value as the whole answer. */
export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** `{"error":{"code","message"}}` with the status that fits. The unread rest of a refused body ends the connection. */
export function answerError(response: ServerResponse, error: unknown): void {
  const { code, message } = describeError(error);
  if (error instanceof BackoffError) response.setHeader('Retry-After', Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  if (error instanceof RouteError && error.allow !== undefined) response.setHeader('Allow', error.allow);
  if (!response.req.complete) response.setHeader('Connection', 'close');
  answerJson(response, error instanceof RouteError ? error.status : (statuses[code] ?? 409), { error: { code, message } });
}

const rawStatuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** The answer to bytes that are no request, for the bare connection. */
export function malformedRequestAnswer(errorCode: string | undefined): string {
  const status = rawStatuses[errorCode ?? ''] ?? '400 Bad Request';
  const body = `${JSON.stringify({ error: { code: 'ERR_WAKESOCK_USAGE', message: `Not an HTTP/1.1 request: ${status}` } })}\n`;
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}
