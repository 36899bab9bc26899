/** Our own service as systemd sees it: readiness, watchdog, fd store (sd_notify(3)). */
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { openDatagramSender } from '../linux/datagram.ts';
import { FdNames } from '../systemd/fd-names.ts';
import { makeNotifier, takeNotifyAddress, type Notifier } from '../systemd/notify.ts';
import type { FdStore } from './parts.ts';

export interface ServiceManager {
  readonly fdStore: FdStore;
  ready(): void;
  /** A stop may take so long from now on. */
  extend(forMs: number): void;
  stopping(): void;
}

export function serviceManager(env: NodeJS.ProcessEnv, log: Log): ServiceManager {
  const address = takeNotifyAddress(env);
  const sender = address === null ? null : openDatagramSender(address);
  const store = boundedStore(new FdNames(env['LISTEN_FDNAMES']), (site) => log.error(
    `${site} will be stopped when the next activator is started, as soon as nobody is served: the names of what that is to be given would be more than one environment variable holds (LISTEN_FDNAMES). Fewer sites awake at once, or shorter names of sites, make room.`,
    { site, code: 'ERR_WAKESOCK_LIMIT' },
  ));
  const notifier = sender && makeNotifier((message, fds) => sender.send(message, fds));
  const tell = (action: (notifier: Notifier) => void): void => {
    try {
      if (notifier) action(notifier);
    } catch (error) {
      log.error(`systemd could not be told: ${describeError(error).message}`);
    }
  };
  const watchdogMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1000;
  if (watchdogMs > 0) setInterval(() => tell((to) => to.send({ watchdog: 'ping' })), watchdogMs / 2).unref();
  return {
    fdStore: {
      keep: (name, fds) => {
        if (store.hasRoom(name, fds.length)) tell((to) => to.storeFds(name, fds));
      },
      drop: (name) => {
        store.drop(name);
        tell((to) => to.removeFds(name));
      },
    },
    ready: () => tell((to) => to.send({ ready: true })),
    extend: (forMs) => tell((to) => to.send({ extendTimeoutMs: forMs })),
    stopping: () => tell((to) => to.send({ stopping: true })),
  };
}

/** Of a site all is stored or nothing: one that had only its output left would look as if it were whole. */
function boundedStore(names: FdNames, refused: (site: string) => void): { hasRoom: (name: string, count: number) => boolean; drop: (name: string) => void } {
  const without = new Set<string>();
  return {
    hasRoom: (name, count) => {
      const site = siteOf(name);
      if (without.has(site)) return false;
      if (names.take(name, count)) return true;
      without.add(site);
      refused(site);
      return false;
    },
    drop: (name) => {
      names.drop(name);
      without.delete(siteOf(name));
    },
  };
}

/** Of `KIND=SITE`. */
function siteOf(name: string): string {
  return name.slice(name.indexOf('=') + 1);
}
