const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request', 404: 'Not Found', 408: 'Request Timeout', 417: 'Expectation Failed', 431: 'Request Header Fields Too Large',
  501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable', 505: 'HTTP Version Not Supported',
};

/** What the front door says itself, when no program does. */
export interface OwnAnswer {
  readonly status: number;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

/** A whole response; the connection ends with it, since what follows is not known to be a request. */
export function ownAnswer({ status, message, retryAfterMs }: OwnAnswer, ofHead: boolean): Buffer {
  const body = `${status} ${reasons[status] ?? ''}\n${message}\n`;
  const retry = retryAfterMs === undefined ? '' : `Retry-After: ${Math.max(1, Math.ceil(retryAfterMs / 1000))}\r\n`;
  const head = `HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\nDate: ${new Date().toUTCString()}\r\nContent-Type: text/plain; charset=utf-8\r\n`
    + `Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\n${retry}Connection: close\r\n\r\n`;
  return Buffer.from(ofHead ? head : head + body);
}
