import type { Socket } from 'node:net';
import { clientStallMsMax } from '../base/limits.ts';
import type { WakeCause } from '../control/types.ts';
import type { OwnAnswer } from './answer.ts';
import { BodyEnd } from './body-end.ts';
import type { ClientPeer } from './client-peer.ts';
import { cutOff } from './cut-off.ts';
import { Body } from './framing.ts';
import type { Keeping } from './keeping.ts';
import { writeLent } from './lent.ts';
import { composeRequest, composeResponse, copiedBytesMax } from './outgoing.ts';
import { Refusal } from './refusal.ts';
import { factsOf } from './request-facts.ts';
import { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';
import type { SitePool } from './site-pool.ts';
import { asksForState } from './sleeping.ts';
import { passedProtocols, protocolsOf } from './tunnels.ts';
import type { TunnelEnd, Upstream } from './upstream.ts';
import type { Waiting } from './waiting.ts';

/** The client's connection, as an exchange needs it. */
export interface ExchangeConnection {
  readonly socket: Socket;
  readonly peer: ClientPeer;
  /** Of the sweep, whose clock stands still between two passes: a read of it costs nothing. */
  readonly sweepMs: number;
  deadlineMs: number;
  /** What has arrived and was not passed on yet. */
  readonly bytes: Buffer | null;
  /** The client sends no more. */
  readonly ended: boolean;
  /** It ends with this exchange. */
  closing: boolean;
  /** What is behind `end` stays for whoever comes next. */
  keep(bytes: Buffer, end: number): void;
  /** Calls {@link Exchange.advance}, and answers a Refusal of it. */
  advance(): void;
  /** Answers in the program's place, and ends. */
  answer(answer: OwnAnswer): void;
  /** Reads nothing more, and closes then. */
  linger(untilMs: number): void;
  /** @param more the request was sent whole, and what came behind it is the next one */
  exchangeDone(more: boolean): void;
}

interface Held {
  readonly sinceMs: number;
  readonly navigation: boolean;
}

const none: readonly string[] = [];

/** It may be passed on no more (RFC 9110 7.6.2). TRACE would tell whoever can make a browser send it what that sends. */
function lastAnswer(method: string): OwnAnswer {
  return method === 'OPTIONS' ? { status: 204, message: '' } : { status: 501, message: 'TRACE is passed on, and not answered here' };
}

/**
 * One request and its answer. One object per connection, used again for every request:
 *
 * begin → (waiting →) body → response → over, or → tunnel.
 */
export class Exchange implements Waiting, TunnelEnd {
  readonly head = new RequestHead();
  /** All of the request has been passed on. */
  requestSent = false;
  /** Of the protocols that the request offers to go on in, those that the site takes. */
  upgrade: readonly string[] = none;
  /** A response, or a part of one, has been written. */
  responding = false;
  readonly #client: ExchangeConnection;
  readonly #requestBody = new BodyEnd();
  #part: 'waiting' | 'body' | 'response' | 'tunnel' | 'over' = 'over';
  #site: SitePool | null = null;
  #upstream: Upstream | null = null;
  /** The site is a proxy (`AllowConnect=`), and is asked as one. */
  #toProxy = false;
  /** The head of a request that may have to be sent again. */
  #sent: string | null = null;
  /** The site was not awake when the request came: since when it is held, and whether a person waits at a browser. */
  #held: Held | null = null;
  /** For while the site sleeps. */
  #keeping: Keeping | null = null;
  /** Only the connection's end says that the response is whole. */
  #untilClose = false;

  constructor(client: ExchangeConnection) {
    this.#client = client;
  }

  // The request waits for its site.

  /** Directly after the head was parsed. @throws Refusal */
  begin(bytes: Buffer, site: SitePool): void {
    const { head } = this;
    const { peer } = this.#client;
    this.upgrade = head.upgrades ? passedProtocols(bytes, head, site.keys.upgrades) : none;
    this.#toProxy = head.toProxy && site.keys.allowConnect;
    if (head.connects && !this.#toProxy) throw new Refusal(501, 'CONNECT is not served: this is no way to other servers');
    const answer = asksForState(bytes, head) ? site.stateAnswer(head.method)
      : head.maxForwards === 0 ? lastAnswer(head.method)
      : site.awake ? null : site.standIn.answer(bytes, head, { facts: () => factsOf(bytes, head), client: () => peer.asker(bytes, head), trusted: peer.trusted });
    if (answer !== null) {
      this.#client.answer(answer);
      return;
    }
    this.#held = site.awake ? null : { sinceMs: this.#nowMs, navigation: factsOf(bytes, head).navigation };
    this.#site = site;
    this.requestSent = false;
    this.#part = 'waiting';
    this.#programsTurn();
    this.#upstream = site.acquire(this, !head.safe);
    this.#upstream?.carry(this);
  }

  /**
   * A program's silence says nothing of the client. For how long it may last while the site sleeps is looked up when the next sweep finds that it lasts: that takes
   * a millisecond, in which the site could be woken.
   */
  #programsTurn(): void {
    this.#client.deadlineMs = this.#held === null ? Infinity : 0;
  }

  /**
   * The deadline has come: the site sleeps, or has not answered yet. For how long it is waited for, and what is shown meanwhile, is the site's to say.
   * @returns false: it is not that which took too long
   */
  hold(): boolean {
    if (this.#held === null || (this.#part !== 'waiting' && this.#part !== 'response')) return false;
    if (this.#site === null) return true;
    const { sinceMs, navigation } = this.#held;
    const answer = this.#site.heldAnswer(this, { navigation, host: this.head.host, heldMs: this.#nowMs - sinceMs });
    if (typeof answer === 'number') {
      this.#client.deadlineMs = sinceMs + answer;
    } else {
      this.abandon();
      this.#client.answer(answer);
    }
    return true;
  }

  /** The sweep's clock stands still between two passes. */
  get #nowMs(): number {
    return Math.max(performance.now(), this.#client.sweepMs);
  }

  /** It may share a connection that others have used. */
  get reuses(): boolean {
    return this.head.safe;
  }

  /** For whom the site is woken. Only directly after the head was parsed. */
  cause(): WakeCause {
    return this.#client.peer.cause(this.#client.bytes as Buffer, this.head);
  }

  connected(upstream: Upstream): void {
    const { bytes, ended } = this.#client;
    this.#upstream = upstream;
    upstream.carry(this);
    if (this.#sent === null) {
      // Other heads were parsed while this one waited.
      this.head.parse(bytes as Buffer, 0, 0);
      this.#client.advance();
      return;
    }
    upstream.socket.write(this.#sent, 'latin1');
    if (ended && bytes === null) upstream.socket.end();
  }

  /** The connection was an old one, closed without a word: a safe request is sent again, on a fresh one. */
  again(): void {
    this.#upstream = null;
    const upstream = (this.#site as SitePool).reconnect(this, true);
    if (upstream !== null) this.connected(upstream);
  }

  // The request is passed on.

  /** What can be passed on of the request is. @throws Refusal */
  advance(): void {
    if (this.#part === 'waiting' && this.#upstream !== null) this.#passHead(this.#upstream);
    else if (this.#part === 'body') this.#passBody();
  }

  #passHead(upstream: Upstream): void {
    const { head } = this;
    const { peer } = this.#client;
    const bytes = this.#client.bytes as Buffer;
    this.#keeping = this.#site?.standIn.keeping(bytes, head, peer.trusted) ?? null;
    this.#requestBody.begin(head.framing);
    const end = this.#requestBody.find(bytes, head.end);
    const together = end - head.end <= copiedBytesMax;
    const out = composeRequest(bytes, head, peer.suffix(bytes, head), together ? end : head.end, peer.trusted, this.upgrade.join(', '), this.#toProxy);
    this.#sent = head.safe ? out : null;
    this.#client.keep(bytes, end);
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

  /** More of the request's body is wanted. */
  get takesBody(): boolean {
    return this.#part === 'body';
  }

  #passBody(): void {
    const { bytes } = this.#client;
    if (bytes === null || this.requestSent) return;
    const end = this.#requestBody.find(bytes, 0);
    this.#client.keep(bytes, end);
    this.#passed((this.#upstream as Upstream).socket.write(end === bytes.length ? bytes : bytes.subarray(0, end)));
    this.#bodyPassed();
  }

  /** @param taken the program's socket takes more */
  #passed(taken: boolean): void {
    this.#client.deadlineMs = taken ? this.#stallMs : Infinity;
    if (!taken) this.#client.socket.pause();
  }

  #bodyPassed(): void {
    if (!this.#requestBody.found) {
      // The rest will never come.
      if (this.#client.ended) this.#client.socket.destroy();
      return;
    }
    this.#programsTurn();
    this.requestSent = true;
    this.#part = 'response';
    if (this.#client.ended) this.clientEnded();
  }

  /** The client sends no more. */
  clientEnded(): void {
    // The rest will never come.
    if (this.#part === 'body') this.#client.socket.destroy();
    // A program that was handed the socket would see the same.
    else if (this.#part === 'tunnel' || (this.#part === 'response' && this.#client.bytes === null)) this.#upstream?.socket.end();
  }

  upstreamDrained(): void {
    this.#client.socket.resume();
    if (this.#part === 'body') this.#client.deadlineMs = this.#stallMs;
  }

  // The answer comes.

  /** 1xx. HTTP/1.0 knows none. */
  interim(bytes: Buffer, head: ResponseHead, from: Socket): void {
    if (this.head.minor === 1) this.#answered(this.#client.socket.write(composeResponse(bytes, head, head.end, false, this.#toProxy), 'latin1'), from);
  }

  /** @param end behind the part of the body that has come with the head */
  respond(bytes: Buffer, head: ResponseHead, end: number, from: Socket): void {
    const client = this.#client;
    // RFC 9110 15.5.22: the protocol that it asks for.
    const upgrade = head.status === 426 && this.#site !== null ? passedProtocols(bytes, head, this.#site.keys.upgrades).join(', ') : '';
    this.responding = true;
    this.#sent = null;
    if (this.#held !== null) {
      this.#held = null;
      client.deadlineMs = Infinity;
    }
    if (this.#keeping !== null) {
      this.#keeping.answered(bytes, head);
      this.#keeping.body(bytes.subarray(head.end, end));
    }
    this.#untilClose = head.framing.body === Body.untilClose;
    if (this.head.framing.close || this.#untilClose || !this.requestSent || this.#spokeAhead || (client.ended && client.bytes === null)) client.closing = true;
    if (end - head.end <= copiedBytesMax) {
      this.#answered(client.socket.write(composeResponse(bytes, head, end, client.closing, this.#toProxy, upgrade), 'latin1'), from);
      return;
    }
    client.socket.cork();
    client.socket.write(composeResponse(bytes, head, head.end, client.closing, this.#toProxy, upgrade), 'latin1');
    this.write(bytes.subarray(head.end, end), from);
    client.socket.uncork();
  }

  /** What came behind the request may be of the protocol that was not agreed to: it is never taken for a request. */
  get #spokeAhead(): boolean {
    return this.upgrade.length > 0 || this.head.connects || (this.head.upgrades && this.#client.bytes !== null);
  }

  /** More of the response's body. */
  respondMore(bytes: Buffer, from: Socket): void {
    this.#keeping?.body(bytes);
    this.write(bytes, from);
  }

  /** With back-pressure on `from`. @param bytes lent: they are another's when this returns */
  write(bytes: Buffer, from: Socket): void {
    this.#answered(writeLent(this.#client.socket, bytes), from);
  }

  /** @param taken the client's socket takes more */
  #answered(taken: boolean, from: Socket): void {
    if (taken) return;
    from.pause();
    this.#client.deadlineMs = this.#stallMs;
  }

  clientDrained(): void {
    this.#upstream?.socket.resume();
    if (this.#part === 'response' || (this.#part === 'tunnel' && !this.#client.socket.writableEnded)) this.#client.deadlineMs = Infinity;
  }

  done(): void {
    this.#keeping?.done();
    this.#end();
    this.responding = false;
    this.#client.exchangeDone(this.requestSent && !this.#spokeAhead);
  }

  // Bytes pass both ways.

  openTunnel(bytes: Buffer, head: ResponseHead): void {
    const client = this.#client;
    const upstream = this.#upstream as Upstream;
    this.responding = true;
    this.#held = null;
    this.#part = 'tunnel';
    client.deadlineMs = Infinity;
    this.#answered(client.socket.write(composeResponse(bytes, head, bytes.length, false, this.#toProxy, head.status === 101 ? protocolsOf(bytes, head.fields).join(', ') : '', true), 'latin1'), upstream.socket);
    if (client.bytes !== null) {
      upstream.socket.write(client.bytes);
      client.keep(client.bytes, client.bytes.length);
    }
    if (client.ended) upstream.socket.end();
    client.socket.resume();
  }

  get tunnels(): boolean {
    return this.#part === 'tunnel';
  }

  /** The client has sent more. */
  tunnelled(chunk: Buffer): void {
    const { socket } = this.#client;
    if (!(this.#upstream as Upstream).socket.write(chunk)) socket.pause();
    if (socket.writableEnded) this.#client.deadlineMs = this.#stallMs;
  }

  /** The program sends no more. A client that neither sends nor closes must not keep the site awake for ever. */
  endTunnel(): void {
    this.#client.socket.end();
    this.#client.deadlineMs = this.#stallMs;
  }

  // It ends otherwise.

  /** @param unanswered a fresh connection was closed without a word: the site may know why */
  fail(answer: OwnAnswer, unanswered: boolean): void {
    const client = this.#client;
    const site = this.#site;
    const tunnelled = this.#part === 'tunnel';
    this.#end();
    if (tunnelled && client.socket.writableEnded) {
      // Both sides of the program's connection are over: what it sent is still on its way.
      client.linger(this.#stallMs);
    } else if (this.responding) {
      this.cutOff();
    } else if (unanswered && site !== null) {
      // Who explains has a time of his own.
      client.linger(Infinity);
      void site.explain().then((known) => client.answer(known ?? answer), () => client.answer(answer));
    } else {
      client.answer(answer);
    }
  }

  /** Half an answer must not look like a whole one: where only the connection's end says so, it ends with a reset. */
  cutOff(): void {
    if (this.#untilClose) cutOff(this.#client.socket);
    else this.#client.socket.destroy();
  }

  /** The client is gone, or is answered otherwise. */
  abandon(): void {
    const upstream = this.#upstream;
    this.#end();
    upstream?.abandon();
  }

  #end(): void {
    this.#part = 'over';
    this.#upstream = null;
    this.#sent = null;
    this.#keeping = null;
    this.#held = null;
    const site = this.#site;
    this.#site = null;
    site?.release(this);
  }

  get #stallMs(): number {
    return this.#client.sweepMs + clientStallMsMax;
  }
}
