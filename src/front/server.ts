import { createServer, type Server, type Socket } from 'node:net';
import { tcpKeepAliveMs } from '../base/limits.ts';
import { Client } from './client.ts';
import type { SitePool } from './site-pool.ts';
import type { Sweep } from './sweep.ts';

/** An inherited listening socket, or an address to listen on. */
export type FrontListen = { readonly fd: number } | { readonly host: string; readonly port: number };

export interface FrontServerOptions {
  readonly listen: readonly FrontListen[];
  readonly sweep: Sweep;
  /** @throws Refusal: no site has this name */
  readonly route: (host: string) => SitePool;
  /** The last connection was closed. */
  readonly onQuiet?: () => void;
  /** Connections could not be accepted, e.g. no descriptors are left. */
  readonly onProblem?: (error: Error) => void;
}

export interface FrontServer {
  /** Clients' connections. */
  readonly connections: number;
  /** Of each listening socket, where it has one. */
  readonly ports: readonly number[];
  /** Takes no more connections, and lets every one end with the answer it is at. */
  close(): Promise<void>;
}

/** Listens; every connection is a {@link Client}. */
export async function serveFront({ listen, sweep, route, onQuiet = () => {}, onProblem = () => {} }: FrontServerOptions): Promise<FrontServer> {
  const clients = new Set<Client>();
  let closing = false;
  const accept = (socket: Socket): void => {
    const client: Client = new Client(socket, {
      sweep, route,
      onClosed: () => {
        clients.delete(client);
        if (clients.size === 0) onQuiet();
      },
    });
    clients.add(client);
    if (closing) client.close();
  };
  const servers: Server[] = [];
  for (const address of listen) {
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs }, accept);
    servers.push(server);
    await new Promise<void>((done, fail) => {
      server.once('error', fail);
      // listen(2) is called again on an inherited socket: the kernel's own maximum, as systemd asks for, changes nothing.
      server.listen({ ...address, backlog: 2 ** 31 - 1 }, () => {
        server.off('error', fail);
        done();
      });
    });
    server.on('error', onProblem);
  }
  return {
    get connections() { return clients.size; },
    ports: servers.map((server) => {
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
    async close() {
      closing = true;
      const closed = servers.map((server) => new Promise<void>((done) => { server.close(() => done()); }));
      for (const client of clients) client.close();
      await Promise.all(closed);
    },
  };
}
