/** Descriptors that no site can use: systemd would start us again and again for what waits there. */
import { O_NONBLOCK } from '../linux/constants.ts';
import { setStatusFlags } from '../linux/fd.ts';
import { call } from '../linux/libc.ts';
import { socketKind } from '../linux/socket.ts';
import { acceptAndClose } from './refuse.ts';

/** A flood must not keep us here; what is left is taken by the next start. */
const TAKEN_MAX = 4096;

/** Throws away what waits: connections, datagrams, bytes of a FIFO. */
export function emptyOut(fd: number): void {
  setStatusFlags(fd, O_NONBLOCK);
  const listening = socketKind(fd)?.listening === true;
  const buffer = Buffer.alloc(4096);
  for (let taken = 0; taken < TAKEN_MAX; taken += 1) {
    try {
      if (listening ? !acceptAndClose(fd) : call('read', fd, buffer, buffer.length) < 0) return;
    } catch {
      // EAGAIN: nothing is left. Anything else: nothing can be taken.
      return;
    }
  }
}
