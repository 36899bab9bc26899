/**
 * Connections that come and go between two looks leave nothing to look at. The kernel announces sockets that are
 * destroyed; one announcement a site and quantum is enough, so the rest is filtered out before it reaches us.
 */
import { EPOLLIN } from '../linux/epoll.ts';
import { hearAll, openDestroyedSockets, readDestroyed, watchAddresses, type LocalAddress } from '../linux/sock-diag.ts';
import { closeFd } from '../linux/libc.ts';
import type { Poller, Watch } from '../sockets/poller.ts';

interface Subscription {
  /** Listening addresses; a wildcard is every address of its family. */
  readonly addresses: readonly LocalAddress[];
  readonly quantumMs: number;
  readonly heard: () => void;
  pausedBy: NodeJS.Timeout | null;
}

export class CameAndWent {
  readonly #poller: Poller;
  readonly #subscriptions = new Set<Subscription>();
  /** The filter is not as it should be, and will be at the end of this turn. */
  #stale = false;
  #socket: { readonly fd: number; readonly watch: Watch } | null = null;

  constructor(poller: Poller) {
    this.#poller = poller;
  }

  /**
   * Calls `heard` when a connection to one of these addresses has ended, and is then deaf for `quantumMs`. Returns the way to end it.
   */
  subscribe(addresses: readonly LocalAddress[], quantumMs: number, heard: () => void): () => void {
    if (addresses.length === 0) return () => {};
    const subscription: Subscription = { addresses, quantumMs, heard, pausedBy: null };
    this.#subscriptions.add(subscription);
    this.#refilter();
    return () => {
      if (subscription.pausedBy) clearTimeout(subscription.pausedBy);
      this.#subscriptions.delete(subscription);
      this.#refilter();
    };
  }

  /** Once for all that changes in one go, however many sites are taken over: their number squared would be seconds. Until then all are heard. */
  #refilter(): void {
    if (this.#stale || (this.#subscriptions.size === 0 && !this.#socket)) return;
    this.#socket ??= this.#open();
    hearAll(this.#socket.fd);
    this.#stale = true;
    queueMicrotask(() => {
      this.#stale = false;
      if (this.#subscriptions.size === 0) this.#close();
      else if (this.#socket) watchAddresses(this.#socket.fd, [...this.#subscriptions].filter(({ pausedBy }) => pausedBy === null).flatMap(({ addresses }) => addresses));
    });
  }

  #open(): { fd: number; watch: Watch } {
    const fd = openDestroyedSockets();
    return { fd, watch: this.#poller.watch(fd, EPOLLIN, () => this.#read(fd)) };
  }

  #close(): void {
    if (!this.#socket) return;
    this.#socket.watch.end();
    closeFd(this.#socket.fd);
    this.#socket = null;
  }

  #read(fd: number): void {
    const destroyed = readDestroyed(fd);
    let paused = false;
    for (const subscription of this.#subscriptions) {
      // More than could be kept: it may have been any site's.
      if (subscription.pausedBy) continue;
      if (destroyed !== null && !subscription.addresses.some((address) => destroyed.some((local) => serves(address, local)))) continue;
      subscription.pausedBy = setTimeout(() => {
        subscription.pausedBy = null;
        this.#refilter();
      }, subscription.quantumMs);
      subscription.pausedBy.unref();
      paused = true;
      subscription.heard();
    }
    // What nobody waits for comes, too, where the addresses are too many for a filter.
    if (paused) this.#refilter();
  }
}

function serves(listening: LocalAddress, local: LocalAddress): boolean {
  if (listening.family !== local.family || listening.port !== local.port) return false;
  return listening.address === local.address || listening.address === '0.0.0.0' || listening.address === '::';
}
