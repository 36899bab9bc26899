/** Node's own parser, by its public door: a server and a client on streams that are no sockets. */
import { createServer, request, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { Message } from './read-messages.ts';

function wire(): Duplex {
  return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(), allowHalfOpen: true });
}

/** A turn of the event loop: all that was pushed has been parsed. */
function settled(): Promise<void> {
  return new Promise((resolve) => { setImmediate(() => setImmediate(resolve)); });
}

function latin1(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('latin1');
}

/** @param pathOf the target as we pass it on */
export async function llhttpRequests(bytes: Buffer, pathOf: (url: string, method: string) => string): Promise<{ messages: Message[]; error: string | null }> {
  const seen: { message: IncomingMessage; body: Buffer[] }[] = [];
  let error: string | null = null;
  const server = createServer({ insecureHTTPParser: false, maxHeaderSize: 64 * 1024, requestTimeout: 0, headersTimeout: 0, connectionsCheckingInterval: 2 ** 30 });
  const listen = (message: IncomingMessage): void => {
    const body: Buffer[] = [];
    seen.push({ message, body });
    message.on('data', (chunk: Buffer) => body.push(chunk)).on('error', () => {});
  };
  server.on('request', listen).on('checkContinue', listen).on('checkExpectation', listen);
  server.on('connect', (message, _socket, _head) => { seen.push({ message: Object.assign(message, { complete: true }), body: [] }); });
  server.on('clientError', (reason: NodeJS.ErrnoException) => { error ??= reason.code ?? reason.message; });
  const stream = wire();
  server.emit('connection', stream);
  stream.push(bytes);
  await settled();
  const messages = seen.map(({ message, body }) => ({
    method: message.method ?? '', target: pathOf(message.url ?? '', message.method ?? ''), minor: message.httpVersionMinor, headers: message.rawHeaders,
    body: latin1(body), trailers: message.rawTrailers, complete: message.complete,
  }));
  stream.destroy();
  await settled();
  server.close();
  return { messages, error };
}

export interface ResponseReading {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly complete: boolean;
  /** 1xx before it: status and fields. */
  readonly interim: readonly (readonly [number, ...string[]])[];
}

/** @param ends the other side closes behind the bytes */
export async function llhttpResponse(bytes: Buffer, method: string, ends = false): Promise<ResponseReading | null> {
  const stream = wire();
  let answer: IncomingMessage | null = null;
  const body: Buffer[] = [];
  const interim: [number, ...string[]][] = [];
  const asked = request({ method, createConnection: () => stream as never, insecureHTTPParser: false, maxHeaderSize: 64 * 1024 });
  asked.on('error', () => {});
  asked.on('information', ({ statusCode, rawHeaders }) => { interim.push([statusCode, ...rawHeaders]); });
  asked.on('response', (message) => {
    answer = message;
    message.on('data', (chunk: Buffer) => body.push(chunk)).on('error', () => {});
  });
  asked.end();
  await settled();
  stream.push(bytes);
  await settled();
  if (ends) {
    stream.push(null);
    await settled();
  }
  const message = answer as IncomingMessage | null;
  const reading = message === null ? null
    : { status: message.statusCode ?? 0, headers: message.rawHeaders, body: latin1(body), trailers: message.rawTrailers, complete: message.complete, interim };
  stream.destroy();
  await settled();
  return reading;
}
