import type { Socket } from 'node:net';
import type { OwnAnswer } from './answer.ts';
import { BodyEnd } from './body-end.ts';
import { cutOff } from './cut-off.ts';
import type { Exchange } from './exchange.ts';
import { Body } from './framing.ts';
import { Refusal } from './refusal.ts';
import { ResponseHead } from './response-head.ts';
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

/** Who has the connections of a site. */
export interface UpstreamOwner {
  /** @param program which one has sent something, as it was told when it was connected to */
  answers(program: number): void;
  /** The exchange is complete, and another may follow it. */
  put(upstream: Upstream): void;
  /** It is closed. */
  gone(upstream: Upstream): void;
}

/** A connection to a site's program: carries one exchange at a time, and waits for the next in its pool. */
export class Upstream {
  readonly socket: Socket;
  readonly head = new ResponseHead();
  /** It has carried an exchange before: the program may have closed it without our knowing. */
  reused = false;
  /** When it was put into the pool. */
  idleSinceMs = 0;
  readonly #owner: UpstreamOwner;
  readonly #program: number;
  readonly #body = new BodyEnd();
  #exchange: Exchange | null = null;
  #tunnel: TunnelEnd | null = null;
  /** Where the response is. */
  #part: 'head' | 'body' = 'head';
  /** Any byte of a response has arrived. */
  #answered = false;
  #pending: Buffer | null = null;
  #error: NodeJS.ErrnoException | null = null;

  /**
   * @param owner whose connection it is
   * @param socket connected or about to be, half-open allowed
   * @param program whose it is, to be told to the owner when it answers
   */
  constructor(owner: UpstreamOwner, socket: Socket, program: number) {
    this.#owner = owner;
    this.#program = program;
    this.socket = socket;
    this.socket.on('data', (chunk) => this.#onData(chunk as Buffer));
    this.socket.on('end', () => this.#onEnd());
    this.socket.on('drain', () => (this.#tunnel ?? this.#exchange)?.upstreamDrained());
    this.socket.on('error', (error) => { this.#error = error; });
    this.socket.on('close', () => this.#onClose());
    this.socket.resume();
  }

  get usable(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded && this.socket.writable;
  }

  /** Begins an exchange. */
  carry(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#part = 'head';
    this.#answered = false;
  }

  /** Bytes pass from here on, both ways. */
  tunnel(end: TunnelEnd): void {
    this.#exchange = null;
    this.#tunnel = end;
    this.#answered = true;
    this.#owner.answers(this.#program);
  }

  /** The client is gone, or has been answered otherwise. Half a request must not look like a whole one: not every program minds how much of it there should be. */
  abandon(): void {
    const isWhole = this.#exchange?.requestSent !== false;
    this.#exchange = null;
    this.#tunnel = null;
    if (isWhole) this.socket.destroy();
    else cutOff(this.socket);
  }

  #onData(chunk: Buffer): void {
    if (this.#tunnel !== null) {
      this.#tunnel.write(chunk, this.socket);
      return;
    }
    const exchange = this.#exchange;
    if (exchange === null) {
      // Nobody has asked for anything: what a server says before it closes an idle connection.
      this.socket.destroy();
      return;
    }
    if (!this.#answered) {
      this.#answered = true;
      this.#owner.answers(this.#program);
    }
    try {
      this.#read(exchange, chunk);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#fail(error.message);
    }
  }

  #read(exchange: Exchange, chunk: Buffer): void {
    if (this.#part === 'body') {
      const end = this.#body.find(chunk, 0);
      exchange.respondMore(end === chunk.length ? chunk : chunk.subarray(0, end), this.socket);
      this.#afterBody(exchange, chunk, end);
      return;
    }
    const bytes = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    const searched = this.#pending?.length ?? 0;
    this.#pending = null;
    this.#readHead(exchange, bytes, searched);
  }

  #readHead(exchange: Exchange, bytes: Buffer, searched: number): void {
    const { head } = this;
    let at = 0;
    for (let seen = searched; ; seen = 0) {
      if (!head.parse(bytes, at, seen, exchange.head.method === 'HEAD')) {
        if (at < bytes.length) this.#pending = Buffer.from(bytes.subarray(at));
        return;
      }
      if (head.status >= 200 || head.status === 101) break;
      exchange.interim(bytes, head, this.socket);
      at = head.end;
      if (at === bytes.length) return;
    }
    if (head.status === 101 ? this.#switches(exchange, bytes) : exchange.head.connects && head.status < 300) {
      this.tunnel(exchange);
      exchange.openTunnel(bytes, head);
      return;
    }
    // RFC 9112 6.1. It has been asked in its client's version, too.
    if (exchange.head.minor === 0 && head.chunked) throw new Refusal(502, 'Expected no Transfer-Encoding for HTTP/1.0');
    this.#part = 'body';
    this.#body.begin(head.framing);
    const end = this.#body.find(bytes, head.end);
    exchange.respond(bytes, head, end, this.socket);
    this.#afterBody(exchange, bytes, end);
  }

  /** RFC 9110 15.2.2: only to what was offered. @throws Refusal */
  #switches(exchange: Exchange, bytes: Buffer): boolean {
    const to = protocolsOf(bytes, this.head.fields);
    if (to.length === 0 || !to.every((protocol) => isOneOf(protocol, exchange.upgrade))) throw new Refusal(502, 'Expected an answer, got another protocol that nobody asked for');
    return true;
  }

  #afterBody(exchange: Exchange, bytes: Buffer, end: number): void {
    if (!this.#body.found) return;
    this.#exchange = null;
    // Bytes behind the response are no answer to anything: such a connection cannot be trusted with another request. They may also be on their way still, from a program that has taken
    // the body of a request for the next one, or that sends the body it speaks of where the status or the method allows none: behind those nobody else's request is sent.
    // Nor can one whose program, or a proxy before it, may have gone on in what was offered, whatever it answered.
    const reusable = !this.head.framing.close && this.head.selfDefined && end === bytes.length && exchange.head.safe && exchange.upgrade.length === 0;
    if (reusable) this.#owner.put(this);
    else this.socket.destroy();
    exchange.done();
  }

  #onEnd(): void {
    if (this.#tunnel !== null) {
      this.#tunnel.endTunnel();
      return;
    }
    const exchange = this.#exchange;
    if (exchange !== null && this.#part === 'body' && this.head.framing.body === Body.untilClose) {
      this.#exchange = null;
      this.socket.destroy();
      exchange.done();
      return;
    }
    this.#fail('The program closed the connection before its answer was complete');
  }

  #onClose(): void {
    this.#owner.gone(this);
    this.#fail(this.#error === null ? 'The connection to the program was closed' : `The connection to the program failed${errorCode(this.#error)}`);
  }

  #fail(message: string): void {
    const exchange = this.#exchange;
    const tunnel = this.#tunnel;
    this.#exchange = null;
    this.#tunnel = null;
    this.socket.destroy();
    tunnel?.fail({ status: 502, message }, false);
    if (exchange === null) return;
    if (!this.#answered && this.reused && exchange.head.safe) exchange.again();
    else if (busy.has(this.#error?.code ?? '')) exchange.fail({ status: 503, message, retryAfterMs: 1_000 }, false);
    else exchange.fail({ status: 502, message }, !this.#answered && !this.reused);
  }
}

/** Nothing is wrong with the program, which has got nothing: its UNIX socket's backlog is full, or we have no descriptors, ports or memory just now. */
const busy = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM']);

/** The message has addresses of the machine in it. */
function errorCode({ code }: NodeJS.ErrnoException): string {
  return code === undefined ? '' : ` (${code})`;
}
