import type { Socket } from 'node:net';
import { clientIdleMsMax, clientStallMsMax, headMsMax, lingerMsMax, pipelinedBytesMax } from '../base/limits.ts';
import { ownAnswer, type OwnAnswer } from './answer.ts';
import { ClientPeer } from './client-peer.ts';
import { Exchange, type ExchangeConnection } from './exchange.ts';
import type { IdleClients } from './idle-clients.ts';
import type { Peers } from './peers.ts';
import { parseProxyHeader, plainAddress } from './proxy-protocol.ts';
import { Refusal } from './refusal.ts';
import type { SitePool } from './site-pool.ts';
import type { Expiring, Sweep } from './sweep.ts';

/** What a connection needs of the front door. */
export interface ClientOptions {
  readonly sweep: Sweep;
  readonly peers: Peers;
  readonly idle: IdleClients;
  /** The site of a host name, in lower case. @throws Refusal */
  readonly route: (host: string) => SitePool;
  readonly onClosed: () => void;
}

/**
 * A client's connection: which bytes are whose, and when it ends. Its requests are one {@link Exchange} after the other:
 *
 * (preface →) head → exchange → (taking →) head …, or → linger and closed.
 */
export class Client implements Expiring, ExchangeConnection {
  deadlineMs = Infinity;
  bytes: Buffer | null = null;
  ended = false;
  closing = false;
  readonly socket: Socket;
  readonly peer: ClientPeer;
  readonly #options: ClientOptions;
  readonly #exchange: Exchange;
  #part: 'preface' | 'head' | 'exchange' | 'taking' | 'linger' = 'head';
  /** How much of {@link bytes} was searched for the end of a head. */
  #searched = 0;
  #served = false;

  constructor(socket: Socket, options: ClientOptions) {
    this.socket = socket;
    this.#options = options;
    this.peer = new ClientPeer(options.peers, plainAddress(socket.remoteAddress ?? 'unknown'));
    this.#exchange = new Exchange(this);
    options.sweep.add(this);
    this.deadlineMs = this.sweepMs + clientIdleMsMax;
    socket.on('data', (chunk) => this.#onData(chunk as Buffer));
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#onDrain());
    socket.on('error', () => {});
    socket.on('close', () => this.#onClose());
    if (this.peer.sendsProxyHeader) {
      this.#part = 'preface';
      this.deadlineMs = this.sweepMs + headMsMax;
    } else if (this.peer.enter()) {
      options.idle.add(this);
    } else {
      socket.destroy();
    }
  }

  get sweepMs(): number {
    return this.#options.sweep.nowMs;
  }

  /** Ends with the answer it is at; between two requests at once. Who has not asked yet is answered once. */
  close(): void {
    this.closing = true;
    if (!this.#idle) return;
    if (this.#served) this.#finish();
    else this.deadlineMs = Math.min(this.deadlineMs, this.sweepMs + lingerMsMax);
  }

  /** Between two requests. */
  get #idle(): boolean {
    return this.#part === 'head' && this.bytes === null;
  }

  // What arrives.

  #onData(chunk: Buffer): void {
    if (this.#part === 'exchange' && this.#exchange.tunnels) {
      this.#exchange.tunnelled(chunk);
      return;
    }
    if (this.#part === 'linger') return;
    if (this.#idle) {
      this.deadlineMs = this.sweepMs + headMsMax;
      this.#options.idle.delete(this);
    }
    this.bytes = this.bytes === null ? chunk : Buffer.concat([this.bytes, chunk]);
    if (this.#part === 'preface') this.#readPreface();
    else if (this.#part === 'head' || (this.#part === 'exchange' && this.#exchange.takesBody)) this.advance();
    else if (this.bytes.length > pipelinedBytesMax) this.socket.pause();
  }

  #readPreface(): void {
    const bytes = this.bytes as Buffer;
    try {
      const header = parseProxyHeader(bytes);
      if (header === null) return;
      this.keep(bytes, header.end);
      this.#part = 'head';
      if (!this.peer.enter(header.address)) {
        this.socket.destroy();
        return;
      }
      this.#headBegins();
      this.advance();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Whoever it is, it expects no HTTP.
      this.socket.destroy();
    }
  }

  #headBegins(): void {
    this.#part = 'head';
    this.deadlineMs = this.sweepMs + (this.bytes === null ? clientIdleMsMax : headMsMax);
    if (this.bytes === null) this.#options.idle.add(this);
  }

  advance(): void {
    try {
      if (this.#part === 'head') this.#readHead();
      if (this.#part === 'exchange') this.#exchange.advance();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(error);
    }
  }

  #readHead(): void {
    const { bytes } = this;
    if (bytes === null) return;
    const { head } = this.#exchange;
    if (!head.parse(bytes, 0, this.#searched)) {
      this.#searched = bytes.length;
      return;
    }
    this.#searched = 0;
    this.#part = 'exchange';
    this.#exchange.begin(bytes, this.#options.route(head.host));
  }

  keep(bytes: Buffer, end: number): void {
    this.bytes = end === bytes.length ? null : bytes.subarray(end);
  }

  #onEnd(): void {
    this.ended = true;
    if (this.#part === 'preface' || this.#part === 'head') this.socket.end();
    else if (this.#part === 'exchange') this.#exchange.clientEnded();
  }

  // What it is answered.

  exchangeDone(more: boolean): void {
    this.#served = true;
    if (!more) {
      this.#finish();
    } else if (this.socket.writableNeedDrain) {
      // Who asks on and on and takes no answer would have us hold them all.
      this.#part = 'taking';
      this.deadlineMs = this.sweepMs + clientStallMsMax;
    } else {
      this.#nextHead();
    }
  }

  #nextHead(): void {
    if (this.closing || (this.ended && this.bytes === null)) {
      this.#finish();
      return;
    }
    this.#headBegins();
    this.socket.resume();
    this.advance();
  }

  #refuse({ status, message }: Refusal): void {
    this.#exchange.abandon();
    this.#exchange.head.html = false;
    if (this.#exchange.responding) this.#exchange.cutOff();
    else this.answer({ status, message });
  }

  answer(answer: OwnAnswer): void {
    if (this.socket.destroyed) return;
    const { method, html, host } = this.#exchange.head;
    this.socket.write(ownAnswer(answer, { ofHead: method === 'HEAD', html, host }));
    this.#finish();
  }

  /** The last answer is written. What the client still sends is thrown away for a while, so that it can read that. */
  #finish(): void {
    this.linger(this.sweepMs + clientStallMsMax);
    this.#options.idle.delete(this);
    this.bytes = null;
    // Only when all of it is the kernel's: a slow client may still be taking it.
    this.socket.end(() => { this.deadlineMs = this.sweepMs + lingerMsMax; });
    this.socket.resume();
  }

  linger(untilMs: number): void {
    this.#part = 'linger';
    this.deadlineMs = untilMs;
  }

  #onDrain(): void {
    if (this.#part === 'exchange') this.#exchange.clientDrained();
    else if (this.#part === 'taking') this.#nextHead();
  }

  // How it ends.

  expire(): void {
    const idle = this.#idle;
    this.deadlineMs = Infinity;
    if (this.#part === 'exchange' && this.#exchange.hold()) return;
    if (idle) this.#finish();
    else if (this.#part === 'preface' || this.#part === 'taking' || this.#part === 'linger' || this.#exchange.responding) this.socket.destroy();
    else this.#refuse(new Refusal(408, this.#part === 'head' ? 'The head of the request took too long' : 'The body of the request took too long'));
  }

  #onClose(): void {
    this.#options.sweep.remove(this);
    this.#options.idle.delete(this);
    this.peer.leave();
    this.#exchange.abandon();
    this.#options.onClosed();
  }
}
