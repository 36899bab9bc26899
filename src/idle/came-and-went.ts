/**
 * Connections that come and go between two looks leave nothing to look at. The kernel announces sockets that are
 * destroyed; one announcement a site and quantum is enough, so the rest is filtered out before it reaches us.
 */
import { EPOLLIN } from '../linux/epoll.ts';
import { openDestroyedSockets, readDestroyedPorts, watchPorts } from '../linux/sock-diag.ts';
import { closeFd } from '../linux/libc.ts';
import type { Poller, Watch } from '../sockets/poller.ts';

interface Subscription {
  readonly ports: readonly number[];
  readonly quantumMs: number;
  readonly heard: () => void;
  pausedBy: NodeJS.Timeout | null;
}

export class CameAndWent {
  readonly #poller: Poller;
  readonly #subscriptions = new Set<Subscription>();
  #socket: { readonly fd: number; readonly watch: Watch } | null = null;

  constructor(poller: Poller) {
    this.#poller = poller;
  }

  /** Calls `heard` when a connection to one of `ports` has ended, at most once every `quantumMs`. Returns the way to end it. */
  subscribe(ports: readonly number[], quantumMs: number, heard: () => void): () => void {
    if (ports.length === 0) return () => {};
    const subscription: Subscription = { ports, quantumMs, heard, pausedBy: null };
    this.#subscriptions.add(subscription);
    this.#refilter();
    return () => {
      if (subscription.pausedBy) clearTimeout(subscription.pausedBy);
      this.#subscriptions.delete(subscription);
      this.#refilter();
    };
  }

  #refilter(): void {
    if (this.#subscriptions.size === 0) {
      this.#close();
      return;
    }
    this.#socket ??= this.#open();
    watchPorts(this.#socket.fd, [...this.#subscriptions].filter(({ pausedBy }) => pausedBy === null).flatMap(({ ports }) => ports));
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
    const ports = readDestroyedPorts(fd);
    for (const subscription of this.#subscriptions) {
      // More than could be kept: it may have been any site's.
      if (ports !== null && !subscription.ports.some((port) => ports.has(port))) continue;
      if (subscription.pausedBy) continue;
      subscription.pausedBy = setTimeout(() => {
        subscription.pausedBy = null;
        this.#refilter();
      }, subscription.quantumMs);
      subscription.pausedBy.unref();
      subscription.heard();
    }
    if (this.#socket) this.#refilter();
  }
}
