import type { Socket } from 'node:net';
import { clientStallMsMax, pieceBytes, pipelinedBytesMax, silentMs } from '../base/limits.ts';
import type { WakeCause } from '../control/types.ts';
import { cutOff } from './cut-off.ts';
import { writeLent } from './lent.ts';
import type { Peers } from './peers.ts';
import { plainAddress } from './proxy-protocol.ts';
import type { SitePool } from './site-pool.ts';
import type { Expiring, Sweep } from './sweep.ts';
import type { TunnelEnd, Upstream } from './upstream.ts';
import type { Waiting } from './waiting.ts';

export interface RawClientOptions {
  readonly sweep: Sweep;
  readonly peers: Peers;
  /** The site, as long as it is in use always the same pool. Null: it is no relayed site any more. */
  readonly site: () => SitePool | null;
  readonly onClosed: () => void;
}

/**
 * A connection to a relayed site's own socket: its bytes pass both ways, each half closed for itself, once the program has accepted.
 * While bytes move the site is in use; a silent connection does not keep it awake.
 */
export class RawClient implements Expiring, Waiting, TunnelEnd {
  deadlineMs = Infinity;
  readonly reuses = false;
  readonly #socket: Socket;
  readonly #options: RawClientOptions;
  /** Held while the connection is not silent. */
  #site: SitePool | null = null;
  #upstream: Upstream | null = null;
  /** What came before the program could be reached. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #ended = false;
  /** The program has sent all it will: the client has until then to go on. */
  #stallMs = Infinity;
  #movedMs: number;
  readonly #address: string;
  readonly #counted: boolean;

  constructor(socket: Socket, options: RawClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#movedMs = options.sweep.nowMs;
    options.sweep.add(this);
    socket.on('data', (chunk) => this.#onData(chunk as Buffer));
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#upstream?.socket.resume());
    socket.on('error', () => {});
    socket.on('close', () => this.#onClose());
    this.#address = plainAddress(socket.remoteAddress ?? 'unknown');
    this.#counted = options.peers.enter(this.#address);
    this.#site = this.#counted ? options.site() : null;
    if (this.#site === null) socket.destroy();
    else this.#take(this.#site.acquire(this, true));
  }

  /** It has no end of its own that could be waited for: it goes on until the process ends. */
  close(): void {}

  cause(): WakeCause {
    return { at: new Date().toISOString(), client: this.#address, method: '', host: '', path: '', agent: '' };
  }

  connected(upstream: Upstream): void {
    this.#take(upstream);
  }

  #take(upstream: Upstream | null): void {
    if (upstream === null) return;
    this.#upstream = upstream;
    upstream.tunnel(this);
    for (const chunk of this.#early) upstream.socket.write(chunk);
    this.#early = [];
    if (this.#ended) upstream.socket.end();
    this.#moved();
    this.deadlineMs = this.#movedMs + silentMs;
    this.#socket.resume();
  }

  // The program's side.

  write(bytes: Buffer, from: Socket): void {
    this.#moved();
    if (!writeLent(this.#socket, bytes)) from.pause();
  }

  endTunnel(): void {
    this.#socket.end();
    // A client that neither sends nor closes must not hold two connections for ever.
    this.#stallMs = this.#options.sweep.nowMs + clientStallMsMax;
  }

  upstreamDrained(): void {
    this.#socket.resume();
  }

  /** The program's connection is over. What it sent before it ended is still on its way; anything else ends as it did. */
  fail(): void {
    this.#upstream = null;
    this.#letGo();
    if (!this.#socket.writableEnded) cutOff(this.#socket);
    else this.deadlineMs = this.#options.sweep.nowMs + clientStallMsMax;
  }

  // The client's side.

  #onData(chunk: Buffer): void {
    if (this.#upstream !== null) {
      this.#moved();
      if (!this.#upstream.socket.write(chunk)) this.#socket.pause();
      return;
    }
    // Behind the program's end nobody reads.
    if (this.#socket.writableEnded) return;
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length + pieceBytes;
    if (this.#earlyBytes >= pipelinedBytesMax) this.#socket.pause();
  }

  #onEnd(): void {
    this.#ended = true;
    this.#upstream?.socket.end();
  }

  #onClose(): void {
    this.#options.sweep.remove(this);
    if (this.#counted) this.#options.peers.leave(this.#address);
    const upstream = this.#upstream;
    this.#upstream = null;
    this.#letGo();
    upstream?.abandon();
    this.#options.onClosed();
  }

  /** Silent for long enough, or past its time. */
  expire(): void {
    const { nowMs } = this.#options.sweep;
    if (this.#upstream === null || nowMs >= this.#stallMs) {
      this.#socket.destroy();
      return;
    }
    if (nowMs >= this.#movedMs + silentMs) this.#letGo();
    this.deadlineMs = Math.min(this.#stallMs, this.#site === null ? Infinity : this.#movedMs + silentMs);
  }

  #moved(): void {
    this.#movedMs = this.#options.sweep.nowMs;
    if (Number.isFinite(this.#stallMs)) this.#stallMs = this.#movedMs + clientStallMsMax;
    if (this.#site !== null) return;
    this.#site = this.#options.site();
    this.#site?.hold(this);
    this.deadlineMs = this.#movedMs + silentMs;
  }

  #letGo(): void {
    const site = this.#site;
    this.#site = null;
    site?.release(this);
  }
}
