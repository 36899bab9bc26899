import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { errorCodes, WakesockError, type ErrorCode } from '../base/errors.ts';
import { BackoffError } from './backend.ts';
import type { LeaseAddress, SiteStateReport, SiteStatus, StatusReport, WakeCause } from './types.ts';

/** 100,000 sites of 500 bytes fit; what is larger is not our activator. */
const answerBytesMax = 128 * 1024 * 1024;

/** How a lease has ended: what serves the site is gone, or nobody holds the lease any more, the activator first of all. */
export type LeaseEnd = 'revoked' | 'lost';

/** A site held in use. It ends when `release` is called or the activator ends it; `ended` resolves then, and never rejects. */
export interface Lease {
  readonly address: LeaseAddress;
  readonly ended: Promise<LeaseEnd>;
  release(): void;
}

/** What the lease socket answers. */
export interface LeaseClient {
  /** @param options who asks and for whom, for the wake history */
  lease(name: string, options?: { readonly by?: string; readonly cause?: WakeCause | null }): Promise<Lease>;
  /** Why it does not answer, above all. Nothing is begun for it. */
  state(name: string): Promise<SiteStateReport>;
}

/** What the control socket answers. */
export interface ControlClient extends LeaseClient {
  report(options?: { readonly signal?: AbortSignal }): Promise<StatusReport>;
  site(name: string): Promise<SiteStatus>;
  wake(name: string, options?: { readonly by?: string }): Promise<SiteStatus>;
  sleep(name: string, options?: { readonly force?: boolean }): Promise<SiteStatus>;
  /** What failed before counts no more, as by `systemctl reset-failed`. */
  resetFailed(name: string, options?: { readonly signal?: AbortSignal }): Promise<SiteStatus>;
}

/**
 * The calls of the control socket or the lease socket, a connection each. Either is systemd's: connecting starts the activator where none runs.
 *
 * Every call rejects with the WakesockError that the activator answered, or with ERR_WAKESOCK_NOT_RUNNING (nobody
 * listens) or ERR_WAKESOCK_CONTROL (no permission, connection lost, not our protocol).
 */
export function controlClient(socketPath: string): ControlClient {
  const call = async <T>(method: string, path: string, rest: Pick<Question, 'headers' | 'body' | 'signal'> = {}): Promise<T> => {
    const once = async (): Promise<T> => {
      const response = await ask(socketPath, { method, path, ...rest });
      return parseAnswer(socketPath, response, await readAll(socketPath, response)) as T;
    };
    return againIfEnding(once);
  };
  return {
    report: async (options = {}) => {
      const report = await call<StatusReport>('GET', '/v1/sites', options);
      if (Array.isArray(report.sites)) return report;
      throw new WakesockError('ERR_WAKESOCK_CONTROL', `The control socket ${socketPath} answered with what is no list of sites`);
    },
    site: (name) => call('GET', pathOf(name)),
    state: (name) => call('GET', pathOf(name, '/state')),
    wake: (name, { by } = {}) => call('POST', pathOf(name, '/wake'), by === undefined ? {} : { headers: { 'Wakesock-By': by } }),
    sleep: (name, { force = false } = {}) => call('POST', pathOf(name, '/sleep'), { body: { force } }),
    resetFailed: (name, options = {}) => call('POST', pathOf(name, '/reset-failed'), options),
    lease: (name, { by, cause } = {}) => againIfEnding(() => takeLease(socketPath, {
      method: 'POST', path: pathOf(name, '/lease'), ...(by === undefined ? {} : { headers: { 'Wakesock-By': by } }), ...(cause == null ? {} : { body: { cause } }),
    })),
  };
}

/** Who was taken in by an activator that was just ending is told so by it; the next one answers. Every call may be repeated. */
async function againIfEnding<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    // Of its own word: an error of the connection has a cause.
    const ending = error instanceof WakesockError && error.code === 'ERR_WAKESOCK_NOT_RUNNING' && error.cause === undefined;
    if (!ending) throw error;
  }
  return action();
}

function pathOf(name: string, action = ''): string {
  return `/v1/sites/${encodeURIComponent(name)}${action}`;
}

async function takeLease(socketPath: string, question: Question): Promise<Lease> {
  const response = await ask(socketPath, question);
  if (response.statusCode !== 200) {
    return parseAnswer(socketPath, response, await readAll(socketPath, response)) as never;
  }
  const ended = new Promise<LeaseEnd>((done) => {
    response.once('close', () => done(response.complete ? 'revoked' : 'lost'));
    response.on('error', () => {});
  });
  const release = () => { response.destroy(); };
  try {
    const text = await readLine(socketPath, response);
    const address = parseJson(socketPath, text) as Partial<LeaseAddress>;
    if (typeof address.family === 'string' && typeof address.address === 'string') return { address: address as LeaseAddress, ended, release };
    throw notUnderstood(socketPath, response, text);
  } catch (error) {
    release();
    throw error;
  }
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: object;
  readonly signal?: AbortSignal;
}

/**
 * Asks, and once again when the connection ended without an answer: that is an activator which was just ending (systemd
 * starts the next one), and every call may be repeated.
 */
async function ask(socketPath: string, question: Question): Promise<IncomingMessage> {
  try {
    return await askOnce(socketPath, question);
  } catch (error) {
    if (!isConnectionLoss(error)) throw connectionError(socketPath, error);
  }
  try {
    return await askOnce(socketPath, question);
  } catch (error) {
    throw connectionError(socketPath, error);
  }
}

function askOnce(socketPath: string, { method, path, headers, body, signal }: Question): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    // Before HTTP is loaded and the request made, which the first time takes some milliseconds: where no activator runs systemd starts one meanwhile.
    const socket = connect(socketPath).on('error', () => {});
    const request = process.getBuiltinModule('node:http').request({
      createConnection: () => socket, method, path, ...(signal === undefined ? {} : { signal }),
      headers: { ...headers, Host: 'wakesock', ...(method === 'GET' ? {} : { 'Content-Length': Buffer.byteLength(text) }) },
    });
    request.once('response', done);
    request.once('error', fail);
    request.end(text);
  });
}

function isConnectionLoss(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function connectionError(socketPath: string, error: unknown): WakesockError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new WakesockError('ERR_WAKESOCK_NOT_RUNNING', `Nobody listens on the control socket ${socketPath} (${code})`, { cause: error });
  }
  const reasons: Record<string, string> = {
    EACCES: 'permission denied; its users are root and its file\'s group',
    ABORT_ERR: 'no answer within the time given',
  };
  const reason = reasons[code ?? ''] ?? message;
  return new WakesockError('ERR_WAKESOCK_CONTROL', `The control socket ${socketPath} could not be asked: ${reason}`, { cause: error });
}

function readAll(socketPath: string, response: IncomingMessage): Promise<string> {
  return collect(socketPath, response, () => false);
}

function readLine(socketPath: string, response: IncomingMessage): Promise<string> {
  return collect(socketPath, response, (chunk) => chunk.includes(0x0A));
}

/** Reads until the answer ends, or until `enough`; afterwards the answer stays open and unread. */
function collect(socketPath: string, response: IncomingMessage, enough: (chunk: Buffer) => boolean): Promise<string> {
  return new Promise((done, fail) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const lost = () => fail(new WakesockError('ERR_WAKESOCK_CONTROL', `The control socket ${socketPath} closed within its answer`));
    response.once('error', lost);
    response.once('close', lost);
    response.once('end', () => done(Buffer.concat(chunks).toString('utf8')));
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (enough(chunk)) done(Buffer.concat(chunks).toString('utf8'));
      if (length <= answerBytesMax) return;
      fail(new WakesockError('ERR_WAKESOCK_CONTROL', `The control socket ${socketPath} answered with more than ${answerBytesMax} bytes`));
      response.destroy();
    });
  });
}

function parseAnswer(socketPath: string, response: IncomingMessage, text: string): unknown {
  const value = parseJson(socketPath, text);
  if (response.statusCode === 200) return value;
  const { code, message } = (value as { error?: { code?: unknown; message?: unknown } }).error ?? {};
  if (typeof code !== 'string' || !Object.hasOwn(errorCodes, code) || typeof message !== 'string') {
    throw notUnderstood(socketPath, response, text);
  }
  if (code === 'ERR_WAKESOCK_BACKOFF') throw new BackoffError(message, Number(response.headers['retry-after'] ?? 1) * 1000);
  throw new WakesockError(code as ErrorCode, message);
}

function notUnderstood(socketPath: string, response: IncomingMessage, text: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_CONTROL',
    `The control socket ${socketPath} answered ${response.statusCode} with ${text.slice(0, 200)}`);
}

function parseJson(socketPath: string, text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null) return value;
  throw new WakesockError('ERR_WAKESOCK_CONTROL', `The control socket ${socketPath} answered with what is no JSON object: ${text.slice(0, 200)}`);
}
