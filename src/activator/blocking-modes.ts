/**
 * Blocking modes of a running program's sockets, which it shares with everybody. systemd makes every socket that it passes
 * blocking (NonBlocking=), at each start of the service.
 */
import { O_NONBLOCK } from '../linux/constants.ts';
import { getStatusFlags } from '../linux/fd.ts';
import type { SiteSockets } from '../sockets/site-sockets.ts';
import { watchesByEpoll } from '../wake/epoll-registrations.ts';
import type { Container } from './container.ts';

/** After a take-over, and twice this and so on: nothing announces that a program waits for its socket with epoll. */
const LOOK_MS_FIRST = 25;
const LOOK_MS_LAST = 3_200;

/**
 * As the program left them. What the dead activator noted may be older than the program's own `fcntl`; but who waits for a
 * socket with epoll does not want to wait in accept(2) too.
 *
 * @param noted in the order of the sockets that are served; by default what they are now
 */
export function modesOf(sockets: SiteSockets, { cgroup, process }: Container, noted: readonly number[] = []): number[] {
  const processes = cgroup?.processes() ?? (process ? [process.pid] : []);
  return sockets.served.map(({ fd, inode }, index) => {
    const flags = noted[index] ?? getStatusFlags(fd);
    return processes.some((pid) => watchesByEpoll(pid, inode)) ? flags | O_NONBLOCK : flags;
  });
}

/**
 * Who was made non-blocking by its program between its `bind` and the next activator's start, and noted by none, is known
 * only once its program waits for it with epoll.
 *
 * @param look puts right what has changed; false: nothing is to be looked at any more
 */
export function watchModes(look: () => boolean, afterMs = LOOK_MS_FIRST): void {
  if (afterMs > LOOK_MS_LAST) return;
  setTimeout(() => {
    if (look()) watchModes(look, afterMs * 2);
  }, afterMs).unref();
}
