import { BlockList, isIP } from 'node:net';
import { clientConnectionsMaxDefault } from '../base/limits.ts';
import type { IpPrefix } from '../unitfile/ip-prefix.ts';

export interface PeersOptions {
  /** Who may say of a request whose it is: `X-Forwarded-*`, `Forwarded`. */
  readonly trusted?: readonly IpPrefix[];
  /** Whose connections begin with a PROXY protocol header. */
  readonly proxies?: readonly IpPrefix[];
  /** Connections of one address at a time. */
  readonly perClientMax?: number;
}

/** Who may do what, by address. Addresses are as `plainAddress` has them; `unknown` is nobody's. */
export class Peers {
  readonly #trusted: BlockList;
  readonly #proxies: BlockList;
  readonly #loopback = blockList([{ family: 'ipv4', address: '127.0.0.0', length: 8 }, { family: 'ipv6', address: '::1', length: 128 }]);
  readonly #perClientMax: number;
  readonly #counts = new Map<string, number>();

  constructor({ trusted = [], proxies = [], perClientMax = clientConnectionsMaxDefault }: PeersOptions = {}) {
    this.#trusted = blockList(trusted);
    this.#proxies = blockList(proxies);
    this.#perClientMax = perClientMax;
  }

  isTrusted(address: string): boolean {
    return isIn(this.#trusted, address);
  }

  sendsProxyHeader(address: string): boolean {
    return isIn(this.#proxies, address);
  }

  /**
   * Counts a connection. Not of proxies, who have many clients, nor of this machine: what asks from there is one of those, or
   * an administrator's.
   * @returns false: the address has as many as it may
   */
  enter(address: string): boolean {
    if (this.#unlimited(address)) return true;
    const key = clientOf(address);
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#perClientMax) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  /** Ends what {@link enter} began, if that said yes. */
  leave(address: string): void {
    if (this.#unlimited(address)) return;
    const key = clientOf(address);
    const count = (this.#counts.get(key) ?? 0) - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }

  #unlimited(address: string): boolean {
    return this.isTrusted(address) || this.sendsProxyHeader(address) || isIn(this.#loopback, address) || isIP(address) === 0;
  }
}

/** Of IPv6 a client has a whole /64 (RFC 6177), and counts once. */
function clientOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%', 1)[0] as string).split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail === undefined) return groups.slice(0, 4).join(':');
  const last = tail === '' ? [] : tail.split(':');
  const all = [...groups, ...Array.from({ length: Math.max(0, 8 - groups.length - last.length) }, () => '0'), ...last];
  return all.slice(0, 4).join(':');
}

function blockList(prefixes: readonly IpPrefix[]): BlockList {
  const list = new BlockList();
  for (const { family, address, length } of prefixes) list.addSubnet(address, length, family);
  return list;
}

function isIn(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
