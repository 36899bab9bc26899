/** A front door between raw sockets: what each side sends is what the test says, byte by byte. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { IdleClients } from '../../../src/front/idle-clients.ts';
import { Peers, type PeersOptions } from '../../../src/front/peers.ts';
import { Client } from '../../../src/front/client.ts';
import type { Lease, LeaseEnd } from '../../../src/control/client.ts';
import type { StoredState } from '../../../src/control/stored-state.ts';
import type { LeaseAddress, WakeCause } from '../../../src/control/types.ts';
import type { OwnAnswer } from '../../../src/front/answer.ts';
import { AnswerStore } from '../../../src/front/answer-store.ts';
import { FrontFiles } from '../../../src/front/front-files.ts';
import { RawClient } from '../../../src/front/raw-client.ts';
import { Refusal } from '../../../src/front/refusal.ts';
import { serveFront, type FrontServer } from '../../../src/front/server.ts';
import { SiteAnswers } from '../../../src/front/site-answers.ts';
import { SitePool } from '../../../src/front/site-pool.ts';
import { Sweep } from '../../../src/front/sweep.ts';
import { frontKeysDefault, type FrontKeys } from '../../../src/site/front-keys.ts';

const dateLine = /^Date: (.*)\r\n/gm;

/** One end of a connection: what has come, and when it is over. */
export class Wire {
  readonly socket: Socket;
  text = '';
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | null = null;
  #changed: () => void = () => {};

  /** @param dated what it says of the time it was sent is left in it */
  constructor(socket: Socket, dated = true) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
      if (!dated && chunk.includes('Date: ')) this.text = this.text.replaceAll(dateLine, (line, date: string) => (Math.abs(Date.parse(date) - Date.now()) < 10_000 ? '' : line));
      this.#changed();
    });
    socket.on('end', () => { this.ended = true; this.#changed(); });
    socket.on('error', (error) => { this.error = error; });
    socket.on('close', () => { this.closed = true; this.#changed(); });
  }

  send(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  async #until(done: () => boolean, what: string): Promise<void> {
    while (!done()) {
      if (this.closed) throw new Error(`Expected ${what}; the connection closed with ${this.error?.code ?? 'no error'} after ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => { this.#changed = resolve; });
    }
  }

  /** Takes everything up to and with `mark`. */
  async take(mark: string): Promise<string> {
    await this.#until(() => this.text.includes(mark), mark);
    const end = this.text.indexOf(mark) + mark.length;
    const taken = this.text.slice(0, end);
    this.text = this.text.slice(end);
    return taken;
  }

  async takeBytes(count: number): Promise<string> {
    await this.#until(() => this.text.length >= count, `${count} bytes`);
    const taken = this.text.slice(0, count);
    this.text = this.text.slice(count);
    return taken;
  }

  /** The rest, when the other side sends no more. */
  async rest(): Promise<string> {
    await this.#until(() => this.ended || this.closed, 'the end');
    return this.text;
  }

  async gone(): Promise<void> {
    if (!this.closed) await new Promise((resolve) => { this.socket.once('close', resolve); });
  }
}

export class Scene {
  readonly sweep = new Sweep();
  readonly leases: { release: () => void; released: boolean; end: (how?: LeaseEnd) => void }[] = [];
  /** Throws what a lease is refused with; by default it is granted. */
  beforeLease: () => Promise<void> | void = () => {};
  explanation: OwnAnswer | null = null;
  beforeExplain: () => Promise<void> = () => Promise.resolve();
  /** As of a relayed site. */
  patienceMs: number | null = null;
  /** Where its file says that its own socket is. */
  ownSocket: LeaseAddress | null = null;
  /** What the site's file says besides the defaults. */
  keys: Partial<FrontKeys> = {};
  /** What the disk says of the site. */
  state: StoredState = { state: 'dormant', error: null, wokenAtMs: [] };
  /** Of the front door's own. */
  readonly problems: Error[] = [];
  readonly warnings: string[] = [];
  readonly files = new FrontFiles({ warn: (message) => { this.warnings.push(message); } });
  readonly #cacheDir = mkdtempSync(join(tmpdir(), 'wakesock-answers-'));
  answers = new AnswerStore(this.#cacheDir, { warn: (message) => { this.warnings.push(message); } });
  /** Of the prepared site. */
  edition: string | null = '1';
  /** Whom each lease was asked for. */
  readonly causes: (WakeCause | null)[] = [];
  /** Connections that reached the program, ever. */
  readonly accepted: Wire[] = [];
  #program!: Server;
  #programPort = 0;
  #front!: FrontServer;
  #pool: SitePool | null = null;
  readonly #arrived: Wire[] = [];
  #waiting: ((wire: Wire) => void) | null = null;
  #accepting: (wire: Wire) => void = (wire) => {
    if (this.#waiting === null) this.#arrived.push(wire);
    else this.#waiting(wire);
    this.#waiting = null;
  };

  static async open(program?: (wire: Wire) => void, peers: PeersOptions = {}, idleMax?: number, connectionsMax = Infinity): Promise<Scene> {
    const scene = new Scene();
    if (program !== undefined) scene.#accepting = program;
    scene.#program = createServer({ allowHalfOpen: true }, (socket) => {
      const wire = new Wire(socket);
      scene.accepted.push(wire);
      scene.#accepting(wire);
    });
    scene.#programPort = await listenOnFreePort(scene.#program);
    scene.#front = await serveFront({ listen: [{ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port: 0, site: 'a' }], sweep: scene.sweep, peers: new Peers(peers), idle: new IdleClients(idleMax), route: (host) => scene.#route(host), relay: () => scene.#site(), connectionsMax, onProblem: (error) => scene.problems.push(error) });
    return scene;
  }

  get port(): number { return this.#front.ports[0] as number; }
  /** Of the site's own socket, as a relayed site has it. */
  get rawPort(): number { return this.#front.ports[1] as number; }
  get connections(): number { return this.#front.connections; }
  get asked(): boolean { return this.#pool !== null; }

  #route(host: string): SitePool {
    if (host !== 'a.example') throw new Refusal(404, 'No such site');
    return this.#site();
  }

  #site(): SitePool {
    return (this.#pool ??= new SitePool({
      name: 'a', sweep: this.sweep, files: this.files, answers: new SiteAnswers(this.answers, 'a', () => this.edition), patienceMs: this.patienceMs,
      keys: () => ({ ...frontKeysDefault, keepsAnswers: (this.keys.noWake ?? []).some(({ answer }) => 'cachedMs' in answer), ...this.keys }),
      hasRules: () => (this.keys.noWake ?? []).length > 0,
      address: () => this.ownSocket,
      state: () => this.state,
      lease: (cause) => this.#lease(cause),
      onNotReached: (error) => { this.problems.push(error as Error); },
      explain: () => this.beforeExplain().then(() => this.explanation),
      onQuiet: () => { this.#pool = null; },
    }));
  }

  async #lease(cause: WakeCause | null): Promise<Lease> {
    this.causes.push(cause);
    await this.beforeLease();
    const record = { released: false, end: (_how?: LeaseEnd): void => {}, release: () => { record.released = true; record.end(); } };
    const ended = new Promise<LeaseEnd>((resolve) => { record.end = (how = 'lost') => resolve(how); });
    this.leases.push(record);
    return { address: this.programAddress, ended, release: record.release };
  }

  /** Where the lease says that the program is: elsewhere than the one that this scene has. */
  elsewhere: LeaseAddress | null = null;

  get programAddress(): LeaseAddress {
    return this.elsewhere ?? { family: 'ipv4', address: `127.0.0.1:${this.#programPort}` };
  }

  /** As another front door has them, later. */
  async restartAnswers(): Promise<void> {
    await this.answers.flush();
    this.answers = new AnswerStore(this.#cacheDir, { warn: (message) => { this.warnings.push(message); } });
    this.#pool = null;
  }

  /** Again, at the same address. */
  async startProgram(): Promise<void> {
    this.#program.listen(this.#programPort, '127.0.0.1');
    await once(this.#program, 'listening');
  }

  /** The program listens no more: connections are refused. */
  async stopProgram(): Promise<void> {
    this.#program.close();
    for (const { socket } of this.accepted) socket.destroy();
    await once(this.#program, 'close');
  }

  /** A client whose connection is what the test says it is. */
  attach(stream: Duplex): void {
    void new Client(stream as Socket, { sweep: this.sweep, peers: new Peers(), idle: new IdleClients(), route: (host) => this.#route(host), onClosed: () => {} });
  }

  /** The same of the site's own socket. */
  attachRaw(stream: Duplex): void {
    void new RawClient(stream as Socket, { sweep: this.sweep, peers: new Peers(), site: () => this.#site(), onClosed: () => {} });
  }

  /** A client of the site's own UNIX socket. */
  async unix(): Promise<Wire> {
    const directory = mkdtempSync(join(tmpdir(), 'wakesock-raw-'));
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      void new RawClient(socket, { sweep: this.sweep, peers: new Peers(), site: () => this.#site(), onClosed: () => {} });
      server.close();
    });
    await new Promise<void>((resolve) => { server.listen(join(directory, 'socket'), resolve); });
    const client = new Wire(connect({ path: join(directory, 'socket'), allowHalfOpen: true }));
    client.socket.once('connect', () => rmSync(directory, { recursive: true }));
    return client;
  }

  /** @param dated with the `Date` that the front door gives answers that have none */
  client({ dated = false } = {}): Wire {
    return new Wire(connect({ port: this.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }), dated);
  }

  raw(): Wire {
    return new Wire(connect({ port: this.rawPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }));
  }

  /** The next connection that reaches the program. */
  program(): Promise<Wire> {
    const arrived = this.#arrived.shift();
    if (arrived !== undefined) return Promise.resolve(arrived);
    return new Promise((resolve) => { this.#waiting = resolve; });
  }

  /** A client, its request at the program, and what the program read of it. */
  async exchange(request: string): Promise<{ client: Wire; program: Wire; head: string }> {
    const client = this.client();
    client.send(request);
    const program = await this.program();
    return { client, program, head: await program.take('\r\n\r\n') };
  }

  /** The front door has closed all its connections to the program. */
  async noneLeft(): Promise<void> {
    for (const wire of this.accepted) await wire.rest();
  }

  async close(): Promise<void> {
    const done = this.#front.close();
    for (const { socket } of this.accepted) socket.destroy();
    // What lingers is not waited for.
    const hurry = setInterval(() => this.sweep.pass(Infinity), 1);
    await done;
    clearInterval(hurry);
    if (this.#program.listening) await this.stopProgram();
    await this.answers.flush();
    rmSync(this.#cacheDir, { recursive: true, force: true });
  }
}

/** Not of those that the kernel gives to clients: it is to be free when the program listens there again, and nobody's own meanwhile. */
async function listenOnFreePort(server: Server): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

export const get = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
