import { causeText } from '../control/cause.ts';
import type { WakeCause } from '../control/types.ts';
import { clientAddress } from './client-address.ts';
import { extendedSuffix, forwardedSuffix } from './outgoing.ts';
import type { Peers } from './peers.ts';
import { factsOf } from './request-facts.ts';
import type { RequestHead } from './request-head.ts';

/** Who is at the other end of a client's connection: as the peer's address says, or a proxy before it. */
export class ClientPeer {
  readonly #peers: Peers;
  #address: string;
  #counted = false;
  /** It may say whose its requests are. */
  #trusted = false;
  #suffix = '';
  #suffixHost = '';

  constructor(peers: Peers, address: string) {
    this.#peers = peers;
    this.#address = address;
  }

  /** Its connection begins with a PROXY header, which says who it is. */
  get sendsProxyHeader(): boolean {
    return this.#peers.sendsProxyHeader(this.#address);
  }

  /** It may say whose its requests are. */
  get trusted(): boolean {
    return this.#trusted;
  }

  /**
   * It is known who it is. Ended by {@link leave}.
   * @param address as a PROXY header has it
   * @returns false: the address has too many connections already. It is not answered: that would cost what the limit saves
   */
  enter(address: string | null = null): boolean {
    this.#address = address ?? this.#address;
    this.#trusted = this.#peers.isTrusted(this.#address);
    this.#counted = this.#peers.enter(this.#address);
    return this.#counted;
  }

  leave(): void {
    if (this.#counted) this.#peers.leave(this.#address);
    this.#counted = false;
  }

  /** Whose request it is. Only directly after the head was parsed. */
  asker(bytes: Buffer, head: RequestHead): string {
    return this.#trusted ? clientAddress(bytes, head, this.#address, this.#peers) : this.#address;
  }

  /** For whom a site is woken. Only directly after the head was parsed. */
  cause(bytes: Buffer, head: RequestHead): WakeCause {
    const { method, path, agent } = factsOf(bytes, head);
    return { at: new Date().toISOString(), client: causeText(this.asker(bytes, head)), method, host: causeText(head.host), path: causeText(path), agent: causeText(agent) };
  }

  /** The lines about it that a request is given, and the empty one. Only directly after the head was parsed. */
  suffix(bytes: Buffer, head: RequestHead): string {
    const { hostText } = head;
    if (this.#trusted) return extendedSuffix(bytes, head, this.#address, hostText);
    // It asks for the same host over and over.
    if (this.#suffix === '' || hostText !== this.#suffixHost) {
      this.#suffix = forwardedSuffix(this.#address, hostText);
      this.#suffixHost = hostText;
    }
    return this.#suffix;
  }
}
