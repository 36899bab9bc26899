import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { descriptorsMax } from '../base/descriptors-max.ts';
import { WakesockError } from '../base/errors.ts';
import { controlConnectionsMax, controlHeadBytesMax, controlPipelinedMax, leaseConnectionsMax, leaseConnectionsPerDescriptor, leaseHeadBytesMax, leaseUnaskedMax } from '../base/limits.ts';
import { answerError, answerJson, malformedRequestAnswer } from './answer.ts';
import type { ControlBackend } from './backend.ts';
import { readJsonBody } from './body.ts';
import { readCause } from './cause.ts';
import { Connections } from './connections.ts';
import { holdLease } from './hold-lease.ts';
import { listenOn, type ControlListen } from './listen.ts';
import { route, type ControlSocket, type Route } from './route.ts';
import type { SiteStateReport, SiteStatus, StatusReport } from './types.ts';
import { Unasked } from './unasked.ts';

/** A request has no body that matters: who needs longer than this for its bytes is stuck. */
const requestTimeoutMs = 10_000;
const keepAliveTimeoutMs = 5_000;
/** Of an activator that was told to end: whoever was accepted just then asks within less, and is answered. */
const lastRequestMs = 1_000;
/** Who goes on connecting to a socket that is being closed has had his answers. */
const lastTurnsMax = 16;
/** That there are too many connections is said this seldom: who makes them must not fill the log. */
const saidAgainMs = 60_000;

export interface SocketLimits {
  readonly connectionsMax: number;
  /** Where there are few descriptors. */
  readonly connectionsPerDescriptor: number;
  readonly headBytesMax: number;
  readonly pipelinedMax: number;
  readonly unaskedMax: number;
  /** An answer ends its connection. */
  readonly once: boolean;
}

/** Of the lease socket they bound what its client can make the activator hold and do at once. */
export const socketLimits: Readonly<Record<ControlSocket, SocketLimits>> = {
  control: { connectionsMax: controlConnectionsMax, connectionsPerDescriptor: 1, headBytesMax: controlHeadBytesMax, pipelinedMax: controlPipelinedMax, unaskedMax: Infinity, once: false },
  lease: { connectionsMax: leaseConnectionsMax, connectionsPerDescriptor: leaseConnectionsPerDescriptor, headBytesMax: leaseHeadBytesMax, pipelinedMax: 1, unaskedMax: leaseUnaskedMax, once: true },
};

export interface ControlServer {
  /** Requests not answered yet, leases among them, and connections that have not asked yet (for at most {@link requestTimeoutMs} and Node's next look). Above 0 somebody waits for this process: do not end. */
  readonly busy: number;
  /** Takes no more connections, answers what was asked, ends leases (each is released). */
  close(): Promise<void>;
}

export interface ControlServerOptions {
  /** Says what may be asked here ({@link route}), and how much. */
  readonly socket: ControlSocket;
  readonly listen: ControlListen;
  readonly backend: ControlBackend;
  /** By default those of the socket. */
  readonly limits?: SocketLimits;
  /** `busy` fell to 0. */
  readonly onQuiet?: () => void;
  /** Connections could not be accepted: there are too many, or no descriptors are left. The server goes on. */
  readonly onProblem?: (error: Error) => void;
}

/**
 * One of the activator's sockets: HTTP/1.1 and JSON (docs/control-api.md).
 * @throws WakesockError ERR_WAKESOCK_LIMIT, ERR_WAKESOCK_SOCKET the socket cannot be listened on, or another activator does
 */
export async function serveControl(
  { socket: at, listen, backend, limits = socketLimits[at], onQuiet = () => {}, onProblem = () => {} }: ControlServerOptions,
): Promise<ControlServer> {
  const { headBytesMax, pipelinedMax, unaskedMax, once } = limits;
  const connectionsMax = Math.max(1, Math.min(limits.connectionsMax, Math.floor(descriptorsMax() * limits.connectionsPerDescriptor)));
  const leases = new Set<Socket>();
  let closing = false;
  const server = createServer({
    requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveTimeoutMs,
    maxHeaderSize: headBytesMax,
  });
  const connections = new Connections(server, pipelinedMax, onQuiet);
  const unasked = new Unasked(server, unaskedMax);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    // Behind a lease nothing can be answered any more; and who is gone asks for nothing.
    if (leases.has(socket)) socket.destroy();
    if (socket.destroyed) return;
    if (once) response.setHeader('Connection', 'close');
    try {
      const wanted = route(request.method ?? '', request.url ?? '', at);
      const body = await readJsonBody(request);
      unasked.asked(socket);
      if (wanted.call === 'lease') {
        await lease(wanted.site, request, response, body);
        return;
      }
      const value = await perform(backend, wanted, request, body);
      if (closing) response.setHeader('Connection', 'close');
      answerJson(response, 200, value);
    } catch (error) {
      if (closing) response.setHeader('Connection', 'close');
      answerError(response, error);
    }
  }

  async function lease(site: string, request: IncomingMessage, response: ServerResponse, body: Readonly<Record<string, unknown>>): Promise<void> {
    const { socket } = request;
    if (closing) throw new WakesockError('ERR_WAKESOCK_NOT_RUNNING', 'The activator is ending; ask again');
    if (socket.destroyed) return;
    const grant = await backend.lease(site, { by: askedBy(request, 'lease'), cause: readCause(body) });
    if (closing) {
      grant.release();
      throw new WakesockError('ERR_WAKESOCK_NOT_RUNNING', 'The activator is ending; ask again');
    }
    leases.add(socket);
    socket.once('close', () => leases.delete(socket));
    holdLease(socket, response, grant);
  }

  async function untilNobodyComes(): Promise<void> {
    // The rest of this turn accepts nobody.
    await nextTurn();
    for (let turns = 0; turns < lastTurnsMax; turns += 1) {
      const { accepted } = connections;
      await nextTurn();
      if (connections.accepted === accepted) return;
    }
  }

  server.on('request', (request, response) => {
    response.once('close', () => connections.answered(request.socket));
    connections.queue(request.socket, () => answer(request, response));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket;
    connections.afterAll(socket, () => {
      if (leases.has(socket) || !socket.writable) socket.destroy();
      else socket.end(malformedRequestAnswer(error.code), () => socket.destroy());
    });
  });
  // A client may close its sending side after the request (`nc -N`) and still be answered.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  server.maxConnections = connectionsMax;
  let saidMs = -Infinity;
  server.on('drop', () => {
    if (performance.now() - saidMs < saidAgainMs) return;
    saidMs = performance.now();
    onProblem(new WakesockError('ERR_WAKESOCK_LIMIT', `More than ${connectionsMax} connections: who comes now is turned away`));
  });
  await listenOn(server, listen);
  server.on('error', onProblem);

  return {
    get busy() { return connections.busy; },
    async close() {
      closing = true;
      // At a socket of our own nobody comes after us: who waits to be accepted there is, until a turn brings nobody more.
      if ('path' in listen) await untilNobodyComes();
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of leases) socket.destroy();
      // What has already arrived on an accepted connection is read within two turns of the event loop, and answered.
      await nextTurn();
      await nextTurn();
      connections.endQuiet();
      const lastRequest = setTimeout(() => connections.endSilent(), lastRequestMs);
      await closed;
      clearTimeout(lastRequest);
    },
  };
}

async function perform(
  backend: ControlBackend, wanted: Exclude<Route, { call: 'lease' }>, request: IncomingMessage,
  body: Readonly<Record<string, unknown>>,
): Promise<StatusReport | SiteStatus | SiteStateReport> {
  switch (wanted.call) {
    case 'sites': return { activator: { state: 'running', pid: process.pid }, sites: await backend.sites() };
    case 'site': return backend.site(wanted.site);
    case 'state': return stateOf(await backend.site(wanted.site));
    case 'wake': return backend.wake(wanted.site, askedBy(request, 'control'));
    case 'reset-failed': return backend.resetFailed(wanted.site);
    case 'sleep': return backend.sleep(wanted.site, { force: forceOf(body) });
  }
}

/** The message of an error speaks of files and programs. */
function stateOf({ state, error }: SiteStatus): SiteStateReport {
  return { state, error: error === null ? null : { code: error.code, ...(error.retryAt === undefined ? {} : { retryAt: error.retryAt }) } };
}

function forceOf({ force = false }: Readonly<Record<string, unknown>>): boolean {
  if (typeof force === 'boolean') return force;
  throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected "force" to be true or false, got ${JSON.stringify(force)}`);
}

function askedBy(request: IncomingMessage, otherwise: string): string {
  const by = request.headers['wakesock-by'] ?? otherwise;
  if (typeof by === 'string' && /^[\x21-\x7E]{1,64}$/.test(by)) return by;
  throw new WakesockError('ERR_WAKESOCK_USAGE', 'Expected the header Wakesock-By to be 1 to 64 visible ASCII characters');
}
