/** Our own service as systemd sees it: readiness, watchdog, fd store (sd_notify(3)). */
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { openDatagramSender } from '../linux/datagram.ts';
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
      keep: (name, fds) => tell((to) => to.storeFds(name, fds)),
      drop: (name) => tell((to) => to.removeFds(name)),
    },
    ready: () => tell((to) => to.send({ ready: true })),
    extend: (forMs) => tell((to) => to.send({ extendTimeoutMs: forMs })),
    stopping: () => tell((to) => to.send({ stopping: true })),
  };
}
