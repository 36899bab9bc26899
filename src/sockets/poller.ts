/**
 * The one epoll set: every descriptor that is not Node's own is waited for here, by one thread of libuv's pool.
 */
import { closeFd, call } from '../linux/libc.ts';
import { epollAdd, epollCreate, epollModify, epollRemove, epollWait, EPOLLIN } from '../linux/epoll.ts';

/** Events of one wait; more come with the next. */
const EVENT_BUFFER_BYTES = 16 * 256;
const EFD_CLOEXEC = 0o2000000;

export interface Watch {
  /** Replaces the events waited for. HUP and ERR are always reported. */
  arm(events: number): void;
  /** Ends the watch. The descriptor stays open: it is its owner's. */
  end(): void;
}

export class Poller {
  readonly #epoll = epollCreate();
  readonly #wakeUp = call('eventfd', 0, EFD_CLOEXEC);
  /** By token: an event that was under way when its descriptor was closed must not reach the next one of that number. */
  readonly #handlers = new Map<number, (events: number) => void>();
  #lastToken = 0;
  #stopped = false;

  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
    epollAdd(this.#epoll, this.#wakeUp, EPOLLIN, 0);
    void this.#loop();
  }

  /**
   * Calls `handler` in the main thread whenever one of `events` holds. Level-triggered unless `events` says EPOLLONESHOT.
   * A handler may be called once for an event that is over by then: it must not block. End the watch before you close `fd`.
   */
  watch(fd: number, events: number, handler: (events: number) => void): Watch {
    const token = (this.#lastToken += 1);
    epollAdd(this.#epoll, fd, events, token);
    this.#handlers.set(token, handler);
    return {
      arm: (next) => {
        if (this.#handlers.has(token)) epollModify(this.#epoll, fd, next, token);
      },
      end: () => {
        if (this.#handlers.delete(token)) epollRemove(this.#epoll, fd);
      },
    };
  }

  /** Ends the waiting thread, without which the process could not exit. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    call('write', this.#wakeUp, one, one.length);
  }

  async #loop(): Promise<void> {
    const buffer = Buffer.alloc(EVENT_BUFFER_BYTES);
    while (!this.#stopped) {
      for (const { token, events } of await epollWait(this.#epoll, buffer)) {
        try {
          this.#handlers.get(token)?.(events);
        } catch (error) {
          this.#onError(error);
        }
      }
    }
    // Watches that are ended later have nothing to be ended in, or another's by then.
    this.#handlers.clear();
    closeFd(this.#wakeUp);
    closeFd(this.#epoll);
  }
}
