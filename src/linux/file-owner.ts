/** Making files as somebody else, setfsuid(2): only this thread, and with all that it may do otherwise. */
import { call } from './libc.ts';

/** _LINUX_CAPABILITY_VERSION_3 of capget(2) */
const CAPABILITY_VERSION = 0x2008_0522;

/** @param id of the user and of the group. `act` is over when it returns */
export function asOwnerOf<T>(id: number, act: () => T): T {
  const [header, capabilities] = [Buffer.alloc(8), Buffer.alloc(24)];
  header.writeUInt32LE(CAPABILITY_VERSION, 0);
  call('capget', header, capabilities);
  try {
    call('setfsgid', id);
    // Takes from us what is about files, as from anybody who is not root any more.
    call('setfsuid', id);
    call('capset', header, capabilities);
    return act();
  } finally {
    call('setfsuid', 0);
    call('setfsgid', 0);
  }
}
