import type { Socket } from 'node:net';
import type { OwnAnswer } from './answer.ts';
import { Chunked } from './chunked.ts';
import { Body } from './framing.ts';
import type { Client } from './client.ts';
import { cutOff } from './cut-off.ts';
import { Refusal } from './refusal.ts';
import { ResponseHead } from './response-head.ts';
import type { SitePool } from './site-pool.ts';
import { isOneOf, protocolsOf } from './tunnels.ts';

/** The client's side of a tunnel, where bytes pass as they come. */
export interface TunnelEnd {
  /** With back-pressure on `from`. @param bytes lent: whoever needs them later copies them */
  write(bytes: Buffer, from: Socket): void;
  /** The program sends no more. */
  endTunnel(): void;
  /** The program takes more. */
  upstreamDrained(): void;
  /** The connection to the program is closed, or has failed. */
  fail(answer: OwnAnswer, unanswered: boolean): void;
}

/** A connection to a site's program: carries one exchange at a time, and waits for the next in its pool. */
export class Upstream {
  readonly socket: Socket;
  readonly head = new ResponseHead();
  /** It has carried an exchange before: the program may have closed it without our knowing. */
  reused = false;
  /** When it was put into the pool. */
  idleSinceMs = 0;
  readonly #pool: SitePool;
  readonly #program: number;
  readonly #chunked = new Chunked();
  #client: Client | null = null;
  #tunnel: TunnelEnd | null = null;
  /** Where the response is. */
  #part: 'head' | 'body' = 'head';
  /** Any byte of a response has arrived. */
  #answered = false;
  #left = 0;
  #pending: Buffer | null = null;
  #error: NodeJS.ErrnoException | null = null;

  /**
   * @param socket connected or about to be, half-open allowed
   * @param program whose it is, to be told to the pool when it answers
   */
  constructor(pool: SitePool, socket: Socket, program: number) {
    this.#pool = pool;
    this.#program = program;
    this.socket = socket;
    this.socket.on('data', (chunk) => this.#onData(chunk as Buffer));
    this.socket.on('end', () => this.#onEnd());
    this.socket.on('drain', () => (this.#tunnel ?? this.#client)?.upstreamDrained());
    this.socket.on('error', (error) => { this.#error = error; });
    this.socket.on('close', () => this.#onClose());
    this.socket.resume();
  }

  get usable(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded && this.socket.writable;
  }

  /** Begins an exchange. */
  carry(client: Client): void {
    this.#client = client;
    this.#part = 'head';
    this.#answered = false;
  }

  /** Bytes pass from here on, both ways. */
  tunnel(end: TunnelEnd): void {
    this.#client = null;
    this.#tunnel = end;
    this.#answered = true;
    this.#pool.answers(this.#program);
  }

  /** The client is gone, or has been answered otherwise. Half a request must not look like a whole one: not every program minds how much of it there should be. */
  abandon(): void {
    const isWhole = this.#client?.requestSent !== false;
    this.#client = null;
    this.#tunnel = null;
    if (isWhole) this.socket.destroy();
    else cutOff(this.socket);
  }

  #onData(chunk: Buffer): void {
    if (this.#tunnel !== null) {
      this.#tunnel.write(chunk, this.socket);
      return;
    }
    const client = this.#client;
    if (client === null) {
      // Nobody has asked for anything: what a server says before it closes an idle connection.
      this.socket.destroy();
      return;
    }
    if (!this.#answered) {
      this.#answered = true;
      this.#pool.answers(this.#program);
    }
    try {
      this.#read(client, chunk);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#fail(error.message);
    }
  }

  #read(client: Client, chunk: Buffer): void {
    if (this.#part === 'body') {
      const end = this.#bodyEnd(chunk, 0);
      client.respondMore(end === chunk.length ? chunk : chunk.subarray(0, end), this.socket);
      this.#afterBody(client, chunk, end);
      return;
    }
    const bytes = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    const searched = this.#pending?.length ?? 0;
    this.#pending = null;
    this.#readHead(client, bytes, searched);
  }

  #readHead(client: Client, bytes: Buffer, searched: number): void {
    const { head } = this;
    let at = 0;
    for (let seen = searched; ; seen = 0) {
      if (!head.parse(bytes, at, seen, client.head.method === 'HEAD')) {
        if (at < bytes.length) this.#pending = Buffer.from(bytes.subarray(at));
        return;
      }
      if (head.status >= 200 || head.status === 101) break;
      client.interim(bytes, head, this.socket);
      at = head.end;
      if (at === bytes.length) return;
    }
    if (head.status === 101 ? this.#switches(client, bytes) : client.head.connects && head.status < 300) {
      this.tunnel(client);
      client.openTunnel(bytes, head);
      return;
    }
    const { framing } = head;
    this.#left = framing.body === Body.length ? framing.length : 0;
    if (framing.body === Body.chunked) this.#chunked.reset();
    this.#part = 'body';
    const end = this.#bodyEnd(bytes, head.end);
    client.respond(bytes, head, end, this.socket);
    this.#afterBody(client, bytes, end);
  }

  /** RFC 9110 15.2.2: only to what was offered. @throws Refusal */
  #switches(client: Client, bytes: Buffer): boolean {
    const to = protocolsOf(bytes, this.head.fields);
    if (to.length === 0 || !to.every((protocol) => isOneOf(protocol, client.upgrade))) throw new Refusal(502, 'Expected an answer, got another protocol that nobody asked for');
    return true;
  }

  /** Behind the last byte of the body in these bytes. */
  #bodyEnd(bytes: Buffer, start: number): number {
    switch (this.head.framing.body) {
      case Body.chunked: return this.#chunked.scan(bytes, start, bytes.length);
      case Body.untilClose: return bytes.length;
      default: {
        const length = Math.min(this.#left, bytes.length - start);
        this.#left -= length;
        return start + length;
      }
    }
  }

  #afterBody(client: Client, bytes: Buffer, end: number): void {
    const { framing } = this.head;
    const done = framing.body === Body.chunked ? this.#chunked.done : framing.body !== Body.untilClose && this.#left === 0;
    if (!done) return;
    this.#client = null;
    // Bytes behind the response are no answer to anything: such a connection cannot be trusted with another request. They may also be on their way still, from a program that has taken
    // the body of a request for the next one, or that answers HEAD as GET: behind those nobody else's request is sent.
    // Nor can one whose program, or a proxy before it, may have gone on in what was offered, whatever it answered.
    const { head } = client;
    const reusable = !framing.close && head.safe && head.method !== 'HEAD' && end === bytes.length && client.upgrade.length === 0;
    if (reusable) this.#pool.put(this);
    else this.socket.destroy();
    client.exchangeDone();
  }

  #onEnd(): void {
    if (this.#tunnel !== null) {
      this.#tunnel.endTunnel();
      return;
    }
    const client = this.#client;
    if (client !== null && this.#part === 'body' && this.head.framing.body === Body.untilClose) {
      this.#client = null;
      this.socket.destroy();
      client.exchangeDone();
      return;
    }
    this.#fail('The program closed the connection before its answer was complete');
  }

  #onClose(): void {
    this.#pool.gone(this);
    this.#fail(this.#error === null ? 'The connection to the program was closed' : `The connection to the program failed${errorCode(this.#error)}`);
  }

  #fail(message: string): void {
    const client = this.#client;
    const tunnel = this.#tunnel;
    this.#client = null;
    this.#tunnel = null;
    this.socket.destroy();
    tunnel?.fail({ status: 502, message }, false);
    if (client === null) return;
    if (!this.#answered && this.reused && client.head.safe) client.again();
    else if (busy.has(this.#error?.code ?? '')) client.fail({ status: 503, message, retryAfterMs: 1_000 }, false);
    else client.fail({ status: 502, message }, !this.#answered && !this.reused);
  }
}

/** Nothing is wrong with the program, which has got nothing: its UNIX socket's backlog is full, or we have no descriptors, ports or memory just now. */
const busy = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM']);

/** The message has addresses of the machine in it. */
function errorCode({ code }: NodeJS.ErrnoException): string {
  return code === undefined ? '' : ` (${code})`;
}
