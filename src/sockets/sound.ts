import { IPPROTO_TCP } from '../linux/constants.ts';
import { hasFilter } from '../linux/filter.ts';
import { SyscallError } from '../linux/libc.ts';
import { getOption } from '../linux/socket.ts';
import { TCP_INFO, TCP_LISTEN } from './listener.ts';

/**
 * Whether this is a TCP socket that listens and has no filter, so that nothing need be undone or said of it. Of a UNIX socket that cannot be seen by itself.
 * Two system calls: there are thousands to be looked at.
 */
export function isSound(fd: number): boolean {
  try {
    return getOption(fd, IPPROTO_TCP, TCP_INFO, 1).readUInt8() === TCP_LISTEN && !hasFilter(fd);
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}
