/** Closing a waiting connection. accept(2) needs a free descriptor even for that, so one is kept. */
import { openSync } from 'node:fs';
import { closeFd, isErrno } from '../linux/libc.ts';
import { acceptConnection } from '../linux/socket.ts';

let reserve: number | null = openSync('/dev/null', 'r');

/** False when nobody waits. `fd` is non-blocking. */
export function acceptAndClose(fd: number): boolean {
  try {
    return close(acceptConnection(fd));
  } catch (error) {
    if (!isErrno(error, 'EMFILE') && !isErrno(error, 'ENFILE')) throw error;
    return withReserve(fd, error);
  }
}

function withReserve(fd: number, error: unknown): boolean {
  if (reserve === null) throw error;
  closeFd(reserve);
  reserve = null;
  const closed = close(acceptConnection(fd));
  reserve = openSync('/dev/null', 'r');
  return closed;
}

function close(connection: number | null): boolean {
  if (connection === null) return false;
  closeFd(connection);
  return true;
}
