/** What we tell systemd about ourselves: sd_notify(3), sd_pid_notify_with_fds(3). One datagram per message. */
import { WakesockError } from '../base/errors.ts';

/** A message's lines; what is absent is not said. */
export interface Notification {
  readonly ready?: true;
  readonly stopping?: true;
  /** `ping`: still alive. `trigger`: treat us as hung. */
  readonly watchdog?: 'ping' | 'trigger';
  /** One line for `systemctl status`. */
  readonly status?: string;
  /** More time than TimeoutStartSec= and the like allow, from now. */
  readonly extendTimeoutMs?: number;
  readonly mainPid?: number;
}

/** Sends one datagram to NOTIFY_SOCKET, descriptors beside it; src/linux has it. */
export type SendDatagram = (message: Buffer, fds: readonly number[]) => void;

export interface Notifier {
  send(notification: Notification): void;
  /** Hands systemd copies of `fds`, to be inherited under `name` by the next one of us. Not more than {@link storedFdsPerMessageMax}. */
  storeFds(name: string, fds: readonly number[]): void;
  removeFds(name: string): void;
}

/** SCM_MAX_FD. */
export const storedFdsPerMessageMax = 253;
/** `sun_path`, unix(7), less the zero byte at its end. */
const sunPathBytesMax = 107;

export function makeNotifier(send: SendDatagram): Notifier {
  return {
    send: (notification) => send(notificationText(notification), []),
    storeFds(name, fds) {
      if (fds.length === 0 || fds.length > storedFdsPerMessageMax) {
        throw new RangeError(`Expected 1 to ${storedFdsPerMessageMax} descriptors to store as ${name}, got ${fds.length}`);
      }
      send(Buffer.from(`FDSTORE=1\nFDNAME=${checkedFdName(name)}\n`), fds);
    },
    removeFds: (name) => send(Buffer.from(`FDSTOREREMOVE=1\nFDNAME=${checkedFdName(name)}\n`), []),
  };
}

export function notificationText(notification: Notification): Buffer {
  const { ready, stopping, watchdog, status, extendTimeoutMs, mainPid } = notification;
  const lines: string[] = [];
  if (ready) lines.push('READY=1');
  if (stopping) lines.push('STOPPING=1');
  if (watchdog) lines.push(`WATCHDOG=${watchdog === 'ping' ? '1' : 'trigger'}`);
  // A line break would begin another assignment.
  if (status !== undefined) lines.push(`STATUS=${status.replaceAll(/[\0\r\n]+/g, ' ')}`);
  if (extendTimeoutMs !== undefined) lines.push(`EXTEND_TIMEOUT_USEC=${Math.round(extendTimeoutMs * 1000)}`);
  if (mainPid !== undefined) lines.push(`MAINPID=${mainPid}`);
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

/**
 * Takes `NOTIFY_SOCKET` out of `env`, so that no child speaks for us: a path, or `@` and an abstract name; null where
 * nobody listens. Throws ERR_WAKESOCK_SYSTEMD.
 */
export function takeNotifyAddress(env: NodeJS.ProcessEnv): string | null {
  const address = env['NOTIFY_SOCKET'];
  delete env['NOTIFY_SOCKET'];
  if (address === undefined || address === '') return null;
  const length = Buffer.byteLength(address);
  if (!/^[/@]./s.test(address) || length > sunPathBytesMax) {
    throw new WakesockError('ERR_WAKESOCK_SYSTEMD',
      `Expected NOTIFY_SOCKET to be an absolute path or @NAME of at most ${sunPathBytesMax} bytes, got ${JSON.stringify(address)}`);
  }
  return address;
}

/** fdname_is_valid() in systemd: printable ASCII but the colon, which separates them in LISTEN_FDNAMES. */
function checkedFdName(name: string): string {
  if (!/^[ -9;-~]{1,255}$/.test(name)) {
    throw new WakesockError('ERR_WAKESOCK_LIMIT',
      `Expected a descriptor name of 1 to 255 printable ASCII characters without ":", got ${JSON.stringify(name)}`);
  }
  return name;
}
