/** Datagrams to a UNIX socket: sd_notify(3) and the journal take them, Node cannot send them. */
import { AF_UNIX, SOCK_DGRAM } from './constants.ts';
import { closeFd } from './libc.ts';
import { sendMessage } from './message.ts';
import { encodeAddress, openSocket } from './socket.ts';

/** An unconnected sender: the receiver may be restarted at any time. */
export interface DatagramSender {
  send(data: Buffer, fds?: readonly number[]): void;
  close(): void;
}

/**
 * @param address a path, or `@` and an abstract name
 * @param waits whether `send` waits for a receiver whose queue is full; else it throws EAGAIN
 */
export function openDatagramSender(address: string, { waits }: { waits: boolean } = { waits: true }): DatagramSender {
  const fd = openSocket(AF_UNIX, SOCK_DGRAM);
  const to = encodeAddress({ family: 'unix', path: address });
  return {
    send: (data, fds = []) => {
      sendMessage(fd, data, { fds, to, waits });
    },
    close: () => closeFd(fd),
  };
}
