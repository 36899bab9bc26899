/** The socket to which crun sends a container's notify descriptor (OCI runtime specification, `linux.seccomp.listenerPath`). */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { AF_UNIX, O_NONBLOCK, SOCK_STREAM } from '../linux/constants.ts';
import { EPOLLIN } from '../linux/epoll.ts';
import { readableNow, setStatusFlags } from '../linux/fd.ts';
import { closeFd } from '../linux/libc.ts';
import { receiveMessage } from '../linux/message.ts';
import { acceptConnection, bindSocket, listenSocket, openSocket } from '../linux/socket.ts';
import type { Poller, Watch } from '../sockets/poller.ts';

/** crun's state message is under 1 KiB. */
const MESSAGE_BYTES_MAX = 64 * 1024;
/** As many containers may start at once. */
const BACKLOG = 4096;

/** Takes the descriptor of a site's container; false: nobody waits for it, it is closed. */
export type NotifyFdTaker = (site: string, fd: number, pid: number) => boolean;

export class SeccompReceiver {
  readonly #poller: Poller;
  readonly #take: NotifyFdTaker;
  readonly #fd: number;
  readonly #watch: Watch;

  constructor(path: string, poller: Poller, take: NotifyFdTaker) {
    this.#poller = poller;
    this.#take = take;
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    this.#fd = openSocket(AF_UNIX, SOCK_STREAM);
    bindSocket(this.#fd, { family: 'unix', path });
    chmodSync(path, 0o600);
    setStatusFlags(this.#fd, O_NONBLOCK);
    listenSocket(this.#fd, BACKLOG);
    this.#watch = poller.watch(this.#fd, EPOLLIN, () => this.#accept());
  }

  close(): void {
    this.#watch.end();
    closeFd(this.#fd);
  }

  #accept(): void {
    const connection = acceptConnection(this.#fd);
    if (connection === null) return;
    // crun sends as soon as it has connected: most often it is there by now.
    if (readableNow([connection]).length > 0) return this.#receive(connection);
    const watch = this.#poller.watch(connection, EPOLLIN, () => {
      watch.end();
      this.#receive(connection);
    });
  }

  #receive(connection: number): void {
    let message: ReturnType<typeof receiveMessage>;
    try {
      message = receiveMessage(connection, MESSAGE_BYTES_MAX);
    } finally {
      closeFd(connection);
    }
    const { data, fds } = message;
    const [fd, ...others] = fds;
    for (const other of others) closeFd(other);
    if (fd === undefined) return;
    const state = parseState(data.toString('utf8'));
    if (state === null || !this.#take(state.site, fd, state.pid)) closeFd(fd);
  }
}

/** ContainerProcessState of the OCI runtime specification: `metadata` is ours, the site's name. */
export function parseState(text: string): { site: string; pid: number } | null {
  try {
    // crun 1.8 sends the terminating NUL too.
    const state = JSON.parse(text.replace(/\0+$/, '')) as { pid?: unknown; metadata?: unknown };
    return typeof state.metadata === 'string' && typeof state.pid === 'number' ? { site: state.metadata, pid: state.pid } : null;
  } catch {
    return null;
  }
}
