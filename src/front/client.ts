import type { Socket } from 'node:net';
import { clientIdleMsMax, clientStallMsMax, headMsMax, lingerMsMax, pipelinedBytesMax } from '../base/limits.ts';
import { causeText } from '../control/cause.ts';
import type { WakeCause } from '../control/types.ts';
import { ownAnswer, type OwnAnswer } from './answer.ts';
import { Chunked } from './chunked.ts';
import { clientAddress } from './client-address.ts';
import { cutOff } from './cut-off.ts';
import { Body } from './framing.ts';
import type { IdleClients } from './idle-clients.ts';
import type { Keeping } from './keeping.ts';
import { writeLent } from './lent.ts';
import { composeRequest, composeResponse, copiedBytesMax, extendedSuffix, forwardedSuffix } from './outgoing.ts';
import type { Peers } from './peers.ts';
import { parseProxyHeader, plainAddress } from './proxy-protocol.ts';
import { Refusal } from './refusal.ts';
import { factsOf } from './request-facts.ts';
import { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';
import type { SitePool, Waiting } from './site-pool.ts';
import { asksForState } from './sleeping.ts';
import type { Expiring, Sweep } from './sweep.ts';
import { passedProtocols } from './tunnels.ts';
import type { TunnelEnd, Upstream } from './upstream.ts';

/** What a connection needs of the front door. */
export interface ClientOptions {
  readonly sweep: Sweep;
  readonly peers: Peers;
  readonly idle: IdleClients;
  /** The site of a host name, in lower case. @throws Refusal */
  readonly route: (host: string) => SitePool;
  readonly onClosed: () => void;
}

const none: readonly string[] = [];

interface Held {
  readonly sinceMs: number;
  readonly navigation: boolean;
}

/**
 * A client's connection. Its requests are passed on one after the other:
 *
 * (preface →) head → (waiting →) body → response → (taking →) head …, or → tunnel, or → linger and closed.
 */
export class Client implements Expiring, Waiting, TunnelEnd {
  deadlineMs = Infinity;
  readonly head = new RequestHead();
  /** All of the request has been passed on. */
  requestSent = false;
  /** The client sends no more. */
  ended = false;
  /** Of the protocols that the request offers to go on in, those that the site takes. */
  upgrade: readonly string[] = [];
  readonly #socket: Socket;
  readonly #options: ClientOptions;
  readonly #chunked = new Chunked();
  #part: 'preface' | 'head' | 'waiting' | 'body' | 'response' | 'taking' | 'tunnel' | 'linger' = 'head';
  /** What has arrived and was not passed on yet. */
  #bytes: Buffer | null = null;
  /** How much of it was searched for the end of a head. */
  #searched = 0;
  #left = 0;
  #site: SitePool | null = null;
  #upstream: Upstream | null = null;
  /** The head of a request that may have to be sent again. */
  #sent: string | null = null;
  /** For while the site sleeps. */
  #keeping: Keeping | null = null;
  /** A response, or a part of one, has been written. */
  #responding = false;
  #untilClose = false;
  #closing = false;
  #served = false;
  /** The site was not awake when the request came: since when it is held, and whether a person waits at a browser. */
  #held: Held | null = null;
  #suffix = '';
  #suffixHost = '';
  /** Who asks, as the peer, or a proxy before it, says. */
  #address: string;
  #counted = false;
  /** It may say whose its requests are. */
  #trusted = false;

  constructor(socket: Socket, options: ClientOptions) {
    this.#socket = socket;
    this.#options = options;
    options.sweep.add(this);
    this.deadlineMs = options.sweep.nowMs + clientIdleMsMax;
    socket.on('data', (chunk) => this.#onData(chunk as Buffer));
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#onDrain());
    socket.on('error', () => {});
    socket.on('close', () => this.#onClose());
    this.#address = plainAddress(socket.remoteAddress ?? 'unknown');
    if (options.peers.sendsProxyHeader(this.#address)) {
      this.#part = 'preface';
      this.deadlineMs = options.sweep.nowMs + headMsMax;
    } else if (this.#comesFrom(this.#address)) {
      options.idle.add(this);
    }
  }

  /** An address that has too many connections already is not answered: that would cost what the limit saves. */
  #comesFrom(address: string): boolean {
    const { peers } = this.#options;
    this.#address = address;
    this.#trusted = peers.isTrusted(address);
    this.#counted = peers.enter(address);
    if (!this.#counted) this.#socket.destroy();
    return this.#counted;
  }

  /** Ends with the answer it is at; between two requests at once. Who has not asked yet is answered once. */
  close(): void {
    this.#closing = true;
    if (!this.#idle) return;
    if (this.#served) this.#finish();
    else this.deadlineMs = Math.min(this.deadlineMs, this.#options.sweep.nowMs + lingerMsMax);
  }

  get #idle(): boolean {
    return this.#part === 'head' && this.#bytes === null;
  }

  // What the site and its connection tell.

  /** It may share a connection that others have used. */
  get reuses(): boolean {
    return this.head.safe;
  }

  connected(upstream: Upstream): void {
    this.#upstream = upstream;
    upstream.carry(this);
    if (this.#sent === null) {
      // Other heads were parsed while this one waited.
      this.head.parse(this.#bytes as Buffer, 0, 0);
      this.#advance();
      return;
    }
    upstream.socket.write(this.#sent, 'latin1');
    if (this.ended && this.#bytes === null) upstream.socket.end();
  }

  /** The connection was an old one, closed without a word: a safe request is sent again, on a fresh one. */
  again(): void {
    this.#upstream = null;
    const upstream = (this.#site as SitePool).reconnect(this, true);
    if (upstream !== null) this.connected(upstream);
  }

  /** For whom the site is woken. Only directly after the head was parsed. */
  cause(): WakeCause {
    const { method, path, agent } = factsOf(this.#bytes as Buffer, this.head);
    return { at: new Date().toISOString(), client: causeText(this.#asker), method, host: causeText(this.head.host), path: causeText(path), agent: causeText(agent) };
  }

  /** Whose request it is. Only directly after the head was parsed. */
  get #asker(): string {
    return this.#trusted ? clientAddress(this.#bytes as Buffer, this.head, this.#address, this.#options.peers) : this.#address;
  }

  /** @param unanswered a fresh connection was closed without a word: the site may know why */
  fail(answer: OwnAnswer, unanswered: boolean): void {
    const site = this.#site;
    this.#endExchange();
    if (this.#part === 'tunnel' && this.#socket.writableEnded) {
      // Both sides of the program's connection are over: what it sent is still on its way.
      this.#part = 'linger';
      this.deadlineMs = this.#options.sweep.nowMs + clientStallMsMax;
    } else if (this.#responding) {
      this.#cutOff();
    } else if (unanswered && site !== null) {
      this.#part = 'linger';
      // Who explains has a time of his own.
      this.deadlineMs = Infinity;
      void site.explain().then((known) => this.#answer(known ?? answer), () => this.#answer(answer));
    } else {
      this.#answer(answer);
    }
  }

  /** 1xx. HTTP/1.0 knows none. */
  interim(bytes: Buffer, head: ResponseHead, from: Socket): void {
    if (this.head.minor === 1) this.#answered(this.#socket.write(composeResponse(bytes, head, head.end, false), 'latin1'), from);
  }

  /** @param end behind the part of the body that has come with the head */
  respond(bytes: Buffer, head: ResponseHead, end: number, from: Socket): void {
    this.#responding = true;
    this.#sent = null;
    if (this.#held !== null) this.#isAnswered();
    if (this.#keeping !== null) {
      this.#keeping.answered(bytes, head);
      this.#keeping.body(bytes.subarray(head.end, end));
    }
    this.#untilClose = head.framing.body === Body.untilClose;
    if (this.head.framing.close || this.#untilClose || !this.requestSent || this.#spokeAhead || (this.ended && this.#bytes === null)) this.#closing = true;
    if (end - head.end <= copiedBytesMax) {
      this.#answered(this.#socket.write(composeResponse(bytes, head, end, this.#closing), 'latin1'), from);
      return;
    }
    this.#socket.cork();
    this.#socket.write(composeResponse(bytes, head, head.end, this.#closing), 'latin1');
    this.write(bytes.subarray(head.end, end), from);
    this.#socket.uncork();
  }

  /** What came behind the request may be of the protocol that was not agreed to: it is never taken for a request. */
  get #spokeAhead(): boolean {
    return this.upgrade.length > 0 || this.head.connects || (this.head.upgrades && this.#bytes !== null);
  }

  /** More of the response's body. */
  respondMore(bytes: Buffer, from: Socket): void {
    this.#keeping?.body(bytes);
    this.write(bytes, from);
  }

  /** With back-pressure on `from`. @param bytes lent: they are another's when this returns */
  write(bytes: Buffer, from: Socket): void {
    this.#answered(writeLent(this.#socket, bytes), from);
  }

  /** @param taken the client's socket takes more */
  #answered(taken: boolean, from: Socket): void {
    if (taken) return;
    from.pause();
    this.deadlineMs = this.#options.sweep.nowMs + clientStallMsMax;
  }

  exchangeDone(): void {
    const complete = this.requestSent;
    this.#upstream = null;
    this.#keeping?.done();
    this.#endExchange();
    this.#responding = false;
    this.#served = true;
    if (!complete || this.#spokeAhead) {
      this.#finish();
    } else if (this.#socket.writableNeedDrain) {
      // Who asks on and on and takes no answer would have us hold them all.
      this.#part = 'taking';
      this.deadlineMs = this.#options.sweep.nowMs + clientStallMsMax;
    } else {
      this.#nextHead();
    }
  }

  #nextHead(): void {
    if (this.#closing || (this.ended && this.#bytes === null)) {
      this.#finish();
      return;
    }
    this.#part = 'head';
    this.deadlineMs = this.#options.sweep.nowMs + (this.#bytes === null ? clientIdleMsMax : headMsMax);
    if (this.#bytes === null) this.#options.idle.add(this);
    this.#socket.resume();
    this.#advance();
  }

  openTunnel(bytes: Buffer, head: ResponseHead): void {
    const upstream = this.#upstream as Upstream;
    this.#responding = true;
    this.#held = null;
    this.#part = 'tunnel';
    this.deadlineMs = Infinity;
    this.#answered(this.#socket.write(composeResponse(bytes, head, bytes.length, false, true), 'latin1'), upstream.socket);
    if (this.#bytes !== null) upstream.socket.write(this.#bytes);
    this.#bytes = null;
    if (this.ended) upstream.socket.end();
    this.#socket.resume();
  }

  /** The program sends no more. A client that neither sends nor closes must not keep the site awake for ever. */
  endTunnel(): void {
    this.#socket.end();
    this.deadlineMs = this.#options.sweep.nowMs + clientStallMsMax;
  }

  upstreamDrained(): void {
    this.#socket.resume();
    if (this.#part === 'body') this.deadlineMs = this.#options.sweep.nowMs + clientStallMsMax;
  }

  // What the client does.

  #onData(chunk: Buffer): void {
    if (this.#part === 'tunnel') {
      const { socket } = this.#upstream as Upstream;
      if (!socket.write(chunk)) this.#socket.pause();
      if (this.#socket.writableEnded) this.deadlineMs = this.#options.sweep.nowMs + clientStallMsMax;
      return;
    }
    if (this.#part === 'linger') return;
    if (this.#idle) {
      this.deadlineMs = this.#options.sweep.nowMs + headMsMax;
      this.#options.idle.delete(this);
    }
    this.#bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk]);
    if (this.#part === 'preface') this.#readPreface();
    else if (this.#part === 'head' || this.#part === 'body') this.#advance();
    else if (this.#bytes.length > pipelinedBytesMax) this.#socket.pause();
  }

  #readPreface(): void {
    const bytes = this.#bytes as Buffer;
    try {
      const header = parseProxyHeader(bytes);
      if (header === null) return;
      this.#keep(bytes, header.end);
      this.#part = 'head';
      if (!this.#comesFrom(header.address ?? this.#address)) return;
      this.deadlineMs = this.#options.sweep.nowMs + (this.#bytes === null ? clientIdleMsMax : headMsMax);
      if (this.#bytes === null) this.#options.idle.add(this);
      else this.#advance();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Whoever it is, it expects no HTTP.
      this.#socket.destroy();
    }
  }

  #advance(): void {
    try {
      if (this.#part === 'head') this.#readHead();
      if (this.#part === 'waiting' && this.#upstream !== null) this.#begin(this.#upstream);
      else if (this.#part === 'body') this.#passBody();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(error);
    }
  }

  /** A complete head finds its site, and is passed on. */
  #readHead(): void {
    const bytes = this.#bytes;
    if (bytes === null) return;
    if (!this.head.parse(bytes, 0, this.#searched)) {
      this.#searched = bytes.length;
      return;
    }
    this.#searched = 0;
    const site = this.#options.route(this.head.host);
    this.upgrade = this.head.upgrades ? passedProtocols(bytes, this.head, site.upgrades) : none;
    if (this.head.connects && !site.connects) throw new Refusal(501, 'CONNECT is not served: this is no way to other servers');
    const answer = asksForState(bytes, this.head) ? site.stateAnswer(this.head.method)
      : site.awake ? null : site.sleepingAnswer(() => factsOf(bytes, this.head), () => this.#asker, (ageMsMax) => site.keptAnswer(bytes, this.head, this.#trusted, ageMsMax));
    if (answer !== null) {
      this.#answer(answer);
      return;
    }
    this.#held = site.awake ? null : { sinceMs: this.#nowMs, navigation: factsOf(bytes, this.head).navigation };
    this.#site = site;
    this.requestSent = false;
    this.#part = 'waiting';
    this.#programsTurn();
    this.#upstream = site.acquire(this, !this.head.safe);
    this.#upstream?.carry(this);
  }

  /**
   * A program's silence says nothing of the client. For how long it may last while the site sleeps is looked up when the next sweep finds that it lasts: that takes
   * a millisecond, in which the site could be woken.
   */
  #programsTurn(): void {
    this.deadlineMs = this.#held === null ? Infinity : 0;
  }

  /** The site sleeps, or has not answered yet: for how long it is waited for, and what is shown meanwhile, is the site's to say. */
  #hold(): void {
    const held = this.#held;
    const site = this.#site;
    if (held === null || site === null) return;
    const { sinceMs, navigation } = held;
    const answer = site.heldAnswer(this, { navigation, host: this.head.host, heldMs: this.#nowMs - sinceMs });
    if (typeof answer === 'number') {
      this.deadlineMs = sinceMs + answer;
      return;
    }
    const upstream = this.#upstream;
    this.#endExchange();
    upstream?.abandon();
    this.#answer(answer);
  }

  #isAnswered(): void {
    this.#held = null;
    this.deadlineMs = Infinity;
  }

  /** The sweep's clock stands still between two passes. */
  get #nowMs(): number {
    return Math.max(performance.now(), this.#options.sweep.nowMs);
  }

  #begin(upstream: Upstream): void {
    const bytes = this.#bytes as Buffer;
    const { head } = this;
    const { framing } = head;
    this.#keeping = this.#site?.keeping(bytes, head, this.#trusted) ?? null;
    this.#left = framing.body === Body.length ? framing.length : 0;
    if (framing.body === Body.chunked) this.#chunked.reset();
    const end = this.#bodyEnd(bytes, head.end);
    const body = end - head.end;
    const together = body <= copiedBytesMax;
    const suffix = this.#trusted ? extendedSuffix(bytes, head, this.#address, head.hostText) : this.#forwarded();
    const out = composeRequest(bytes, head, suffix, together ? end : head.end, this.#trusted, this.upgrade.join(', '));
    this.#sent = head.safe ? out : null;
    this.#keep(bytes, end);
    this.#part = 'body';
    if (together) {
      this.#passed(upstream.socket.write(out, 'latin1'));
    } else {
      upstream.socket.cork();
      upstream.socket.write(out, 'latin1');
      this.#passed(upstream.socket.write(bytes.subarray(head.end, end)));
      upstream.socket.uncork();
    }
    this.#bodyPassed();
  }

  #passBody(): void {
    const bytes = this.#bytes;
    if (bytes === null || this.requestSent) return;
    const end = this.#bodyEnd(bytes, 0);
    this.#keep(bytes, end);
    this.#passed((this.#upstream as Upstream).socket.write(end === bytes.length ? bytes : bytes.subarray(0, end)));
    this.#bodyPassed();
  }

  /** @param taken the program's socket takes more */
  #passed(taken: boolean): void {
    this.deadlineMs = taken ? this.#options.sweep.nowMs + clientStallMsMax : Infinity;
    if (!taken) this.#socket.pause();
  }

  /** What is behind `end` belongs to the next request. */
  #keep(bytes: Buffer, end: number): void {
    this.#bytes = end === bytes.length ? null : bytes.subarray(end);
  }

  #bodyEnd(bytes: Buffer, start: number): number {
    if (this.head.framing.body === Body.chunked) return this.#chunked.scan(bytes, start, bytes.length);
    const length = Math.min(this.#left, bytes.length - start);
    this.#left -= length;
    return start + length;
  }

  #bodyPassed(): void {
    const done = this.head.framing.body === Body.chunked ? this.#chunked.done : this.#left === 0;
    if (!done) {
      // The rest will never come.
      if (this.ended) this.#socket.destroy();
      return;
    }
    this.#programsTurn();
    this.requestSent = true;
    this.#part = 'response';
    // A program that was handed the socket would see the same.
    if (this.ended && this.#bytes === null) this.#upstream?.socket.end();
  }

  /** The lines about the client; it asks for the same host over and over. */
  #forwarded(): string {
    const host = this.head.hostText;
    if (this.#suffix === '' || host !== this.#suffixHost) {
      this.#suffix = forwardedSuffix(this.#address, host);
      this.#suffixHost = host;
    }
    return this.#suffix;
  }

  #onEnd(): void {
    this.ended = true;
    switch (this.#part) {
      case 'preface':
      case 'head':
        this.#socket.end();
        break;
      case 'body':
        // The rest will never come.
        this.#socket.destroy();
        break;
      case 'response':
        if (this.#bytes === null) this.#upstream?.socket.end();
        break;
      case 'tunnel':
        this.#upstream?.socket.end();
        break;
      default: break;
    }
  }

  #onDrain(): void {
    this.#upstream?.socket.resume();
    if (this.#part === 'taking') this.#nextHead();
    else if (this.#part === 'response' || (this.#part === 'tunnel' && !this.#socket.writableEnded)) this.deadlineMs = Infinity;
  }

  #onClose(): void {
    this.#options.sweep.remove(this);
    this.#options.idle.delete(this);
    if (this.#counted) this.#options.peers.leave(this.#address);
    const upstream = this.#upstream;
    this.#endExchange();
    upstream?.abandon();
    this.#options.onClosed();
  }

  expire(): void {
    const idle = this.#idle;
    this.deadlineMs = Infinity;
    if (this.#held !== null && (this.#part === 'waiting' || this.#part === 'response')) this.#hold();
    else if (idle) this.#finish();
    else if (this.#part === 'preface' || this.#part === 'taking' || this.#part === 'linger' || this.#responding) this.#socket.destroy();
    else this.#refuse(new Refusal(408, this.#part === 'head' ? 'The head of the request took too long' : 'The body of the request took too long'));
  }

  #refuse({ status, message }: Refusal): void {
    const upstream = this.#upstream;
    this.#endExchange();
    upstream?.abandon();
    this.head.html = false;
    if (this.#responding) this.#cutOff();
    else this.#answer({ status, message });
  }

  /** Half an answer must not look like a whole one: where only the connection's end says so, it ends with a reset. */
  #cutOff(): void {
    if (this.#untilClose) cutOff(this.#socket);
    else this.#socket.destroy();
  }

  #answer(answer: OwnAnswer): void {
    if (this.#socket.destroyed) return;
    const { method, html, host } = this.head;
    this.#socket.write(ownAnswer(answer, { ofHead: method === 'HEAD', html, host }));
    this.#finish();
  }

  #endExchange(): void {
    this.#upstream = null;
    this.#sent = null;
    this.#keeping = null;
    this.#held = null;
    const site = this.#site;
    this.#site = null;
    site?.release(this);
  }

  /** The last answer is written. What the client still sends is thrown away for a while, so that it can read that. */
  #finish(): void {
    this.#part = 'linger';
    this.#options.idle.delete(this);
    this.#bytes = null;
    this.deadlineMs = this.#options.sweep.nowMs + clientStallMsMax;
    // Only when all of it is the kernel's: a slow client may still be taking it.
    this.#socket.end(() => { this.deadlineMs = this.#options.sweep.nowMs + lingerMsMax; });
    this.#socket.resume();
  }
}
