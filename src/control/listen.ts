import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { WakesockError } from '../base/errors.ts';
import { unixPathBytesMax } from '../unitfile/socket-address.ts';

/** An inherited listening socket, or a path to make one at with mode 0660 (a stale one is replaced). */
export type ControlListen = { readonly fd: number } | { readonly path: string };

/** @throws WakesockError ERR_WAKESOCK_LIMIT its path is longer than the kernel takes, ERR_WAKESOCK_SOCKET it cannot be listened on, or another activator does */
export async function listenOn(server: Server, listen: ControlListen): Promise<void> {
  // Node would cut it off.
  if ('path' in listen && Buffer.byteLength(listen.path) > unixPathBytesMax) {
    throw new WakesockError('ERR_WAKESOCK_LIMIT', `The path of a socket must be at most ${unixPathBytesMax} bytes: ${listen.path}`);
  }
  try {
    if ('path' in listen) await removeStaleSocket(listen.path);
    await new Promise<void>((done, fail) => {
      server.once('error', fail);
      // listen(2) is called again on an inherited socket: the kernel's own maximum, as systemd asks for, changes nothing.
      server.listen({ ...listen, backlog: 2 ** 31 - 1 }, () => {
        server.off('error', fail);
        done();
      });
    });
    // Until here its mode came from the umask, which lets nobody else write, that is connect.
    if ('path' in listen) await chmod(listen.path, 0o660);
  } catch (error) {
    if (error instanceof WakesockError) throw error;
    const name = 'path' in listen ? listen.path : `(descriptor ${listen.fd})`;
    throw new WakesockError('ERR_WAKESOCK_SOCKET',
      `The control socket ${name} cannot be listened on: ${(error as Error).message}`, { cause: error });
  }
}

/** A socket file outlives a killed activator. One that answers belongs to a living one. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  // Anything else than a socket refuses connections as well, and is not ours to remove: bind(2) says that it is in use.
  if (found?.isSocket() !== true) return;
  const outcome = await new Promise<string>((done) => {
    const probe = connect(path, () => {
      probe.destroy();
      done('connected');
    });
    probe.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
  if (outcome === 'ECONNREFUSED') await unlink(path);
  if (outcome === 'connected') {
    throw new WakesockError('ERR_WAKESOCK_SOCKET', `Another activator listens on ${path}; end it, or choose another --control=PATH`);
  }
}
