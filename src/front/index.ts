/**
 * The front door: HTTP by `Host` to the right site, which is woken if it sleeps. Unprivileged: it starts nothing itself,
 * but asks the activator for a lease. This file is the composition root; a request's way is
 * `Client → Sites → SitePool → Upstream`.
 */
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { descriptorsMax } from '../base/descriptors-max.ts';
import { describeError, WakesockError } from '../base/errors.ts';
import { clientsPerDescriptor, idleClientsPerClient, ownDescriptors } from '../base/limits.ts';
import { createLog, type LogLevel } from '../base/log.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import { controlClient } from '../control/client.ts';
import { storedState } from '../control/stored-state.ts';
import { takeListenFds } from '../systemd/listen-fds.ts';
import { relaySiteOf } from '../systemd/unit-names.ts';
import { AnswerStore } from './answer-store.ts';
import { IdleClients } from './idle-clients.ts';
import { KeptHosts } from './kept-hosts.ts';
import { Peers, type PeersOptions } from './peers.ts';
import { FrontFiles } from './front-files.ts';
import { RouteSource } from './route-source.ts';
import { serveFront, type FrontListen, type FrontServer } from './server.ts';
import { Sites } from './sites.ts';
import { Sweep } from './sweep.ts';

export interface FrontOptions {
  readonly paths: Paths;
  /** For answers of sites that are kept while these sleep. */
  readonly cacheDir: string;
  /** Beside the sockets that systemd passes. */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  /** No connection for this long ends it; Infinity: never. */
  readonly exitIdleMs: number;
  readonly logLevel: LogLevel;
  readonly peers: PeersOptions;
  /** Connections between two requests. */
  readonly idleClientsMax: number;
}

/** By then the first request has been passed on. Lines wait meanwhile. */
const logOpenMs = 1_000;

/** Resolves with the exit status when there was no connection for a while, or a signal has come and all are answered. */
export async function runFront({ paths, cacheDir, listen, exitIdleMs, logLevel, peers, idleClientsMax }: FrontOptions): Promise<number> {
  const log = createLog({ level: logLevel });
  const inherited = takeListenFds(process.env).map(({ fd, name }): FrontListen => {
    const site = relaySiteOf(name);
    return site === null ? { fd } : { fd, site };
  });
  if (inherited.length + listen.length === 0) {
    throw new WakesockError('ERR_WAKESOCK_USAGE', 'front has no socket: systemd passed none (wakesock-front.socket), and there is no --listen=ADDRESS');
  }
  const relayedOnly = inherited.length > 0 && listen.length === 0 && inherited.every(({ site }) => site !== undefined);
  const routes = relayedOnly ? new (await import('./relayed-only.ts')).RelayedOnly(paths) : new RouteSource(paths, log, keptHosts(cacheDir));
  const sweep = new Sweep();
  const edition = (name: string): string | null => editionOf(paths, name);
  const answers = new AnswerStore(`${cacheDir}/answers`, log);
  const sites = new Sites({
    table: () => routes.table, keys: (name) => routes.keys(name), hasRules: (name) => routes.hasRules(name), address: (name) => routes.address(name), state: (name) => storedState(paths, name),
    relayed: (name) => routes.relayed(name), activator: controlClient(paths.controlPath), files: new FrontFiles(log), answers, edition, sweep, log,
  });
  const idle = new IdleEnd(exitIdleMs, () => server?.connections === 0);
  let server: FrontServer | null = null;
  const connectionsMax = Math.max(1, Math.floor((descriptorsMax() - ownDescriptors) * clientsPerDescriptor));
  // Until then clients wait in the backlog: a name that was not read yet would be nobody's.
  await routes.ready;
  try {
    server = await serveFront({
      listen: [...inherited, ...listen], sweep, connectionsMax, peers: new Peers(peers), idle: new IdleClients(Math.min(idleClientsMax, Math.ceil(connectionsMax * idleClientsPerClient))), route: (host) => sites.route(host), relay: (name) => sites.relay(name),
      onQuiet: () => idle.begin(),
      onProblem: (error) => log.error('Connections cannot be accepted', describeError(error)),
    });
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_SOCKET', `The front door cannot listen: ${(error as Error).message}`, { cause: error });
  }
  idle.begin();
  // Nobody waits for a line as the first client waits for the site: to load what writes them takes ten milliseconds.
  setTimeout(() => void log.open(), logOpenMs).unref();
  const ended = await Promise.race([idle.ended, once(process, 'SIGTERM').then(() => 'SIGTERM'), once(process, 'SIGINT').then(() => 'SIGINT')]);
  log.info(`Ending: ${ended}`);
  // A relayed connection has no end of its own that could be waited for; who came as we were just ending for want of any is served.
  if (relayedOnly && ended !== IdleEnd.reason) server.drop();
  await server.close();
  routes.close();
  await answers.flush();
  if (!relayedOnly) await answers.sweep((name) => edition(name) !== null);
  await log.close();
  return 0;
}

/** Prepared again, since its files or its image have changed, it is another program: what it answered before is not what it answers now. */
function editionOf(paths: Paths, name: string): string | null {
  try {
    // Its files are nobody's to look at; each that is written changes the directory.
    const { ino, mtimeMs } = statSync(preparedDir(paths, name));
    return `${ino} ${mtimeMs}`;
  } catch {
    return null;
  }
}

/** Null: what reads the files cannot be told from another version of it. */
function keptHosts(cacheDir: string): KeptHosts | null {
  const program = statSync(process.argv[1] ?? '', { throwIfNoEntry: false });
  return program === undefined ? null : new KeptHosts(`${cacheDir}/hosts.json`, `${program.ino} ${program.size} ${program.ctimeMs}`);
}

/** A countdown that begins when the last connection is closed, and counts only if none came meanwhile. */
class IdleEnd {
  static readonly reason = 'no connections';
  readonly ended: Promise<string>;
  readonly #idleMs: number;
  readonly #isIdle: () => boolean;
  #end: (reason: string) => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  constructor(idleMs: number, isIdle: () => boolean) {
    this.#idleMs = idleMs;
    this.#isIdle = isIdle;
    this.ended = new Promise((resolve) => { this.#end = resolve; });
  }

  begin(): void {
    clearTimeout(this.#timer);
    if (!Number.isFinite(this.#idleMs)) return;
    this.#timer = setTimeout(() => { if (this.#isIdle()) this.#end(IdleEnd.reason); }, Math.min(this.#idleMs, 2 ** 31 - 1));
  }
}
