import { createServer, type Server, type Socket } from 'node:net';
import { WakesockError } from '../base/errors.ts';
import { tcpKeepAliveMs } from '../base/limits.ts';
import { Client } from './client.ts';
import { IdleClients } from './idle-clients.ts';
import { Peers } from './peers.ts';
import { RawClient } from './raw-client.ts';
import type { SitePool } from './site-pool.ts';
import type { Sweep } from './sweep.ts';

/** An inherited listening socket, or an address to listen on. `site`: it is a relayed site's own; all others are HTTP. */
export type FrontListen = ({ readonly fd: number } | { readonly host: string; readonly port: number }) & { readonly site?: string };

export interface FrontServerOptions {
  readonly listen: readonly FrontListen[];
  readonly sweep: Sweep;
  readonly peers?: Peers;
  readonly idle?: IdleClients;
  /** @throws Refusal: no site has this name */
  readonly route: (host: string) => SitePool;
  /** A relayed site; null: there is none of this name. */
  readonly relay?: (site: string) => SitePool | null;
  /** The last connection was closed. */
  readonly onQuiet?: () => void;
  /** Connections could not be accepted, e.g. no descriptors are left. */
  readonly onProblem?: (error: Error) => void;
  /** Clients' connections at once, by default any number: the next is closed at once. Without descriptors for the connections to programs nobody would be served. */
  readonly connectionsMax?: number;
}

export interface FrontServer {
  /** Clients' connections. */
  readonly connections: number;
  /** Of each listening socket, where it has one. */
  readonly ports: readonly number[];
  /** Cuts all connections off. */
  drop(): void;
  /** Takes no more connections, and lets every one end with the answer it is at. */
  close(): Promise<void>;
}

/** Listens; every connection is a {@link Client}. */
export async function serveFront({ listen, sweep, peers = new Peers(), idle = new IdleClients(), route, relay = () => null, onQuiet = () => {}, onProblem = () => {}, connectionsMax = Infinity }: FrontServerOptions): Promise<FrontServer> {
  const clients = new Map<{ close(): void }, Socket>();
  let closing = false;
  let full = false;
  const accept = (socket: Socket, site: string | undefined): void => {
    if (clients.size >= connectionsMax) {
      socket.destroy();
      if (!full) onProblem(new WakesockError('ERR_WAKESOCK_LIMIT', `${connectionsMax} clients are connected, as many as the descriptors allow (LimitNOFILE=): others are turned away`));
      full = true;
      return;
    }
    const onClosed = (): void => {
      clients.delete(client);
      if (clients.size <= connectionsMax / 2) full = false;
      if (clients.size === 0) onQuiet();
    };
    const client: Client | RawClient = site === undefined ? new Client(socket, { sweep, peers, idle, route, onClosed }) : new RawClient(socket, { sweep, peers, site: () => relay(site), onClosed });
    clients.set(client, socket);
    if (closing) client.close();
  };
  const servers: Server[] = [];
  for (const { site, ...address } of listen) {
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs }, (socket) => accept(socket, site));
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
    drop() {
      for (const socket of clients.values()) socket.destroy();
    },
    async close() {
      closing = true;
      const closed = servers.map((server) => new Promise<void>((done) => { server.close(() => done()); }));
      for (const client of clients.keys()) client.close();
      await Promise.all(closed);
    },
  };
}
