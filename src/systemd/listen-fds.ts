/** The sockets that systemd passes: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES (sd_listen_fds_with_names(3)). */
import { WakesockError } from '../base/errors.ts';
import { listenFdNamesBytesMax } from '../base/limits.ts';

export interface InheritedFd {
  readonly fd: number;
  /** `FileDescriptorName=`, or `FDNAME=` for what came from the fd store; `unknown` where systemd gave no names. */
  readonly name: string;
}

export const firstInheritedFd = 3;
/** LimitNOFILE= of wakesock.service: more cannot have been passed. */
export const inheritedFdsMax = 524_288;

/**
 * Takes the variables out of `env`, so that no child mistakes them for its own.
 * Meant for another process (or absent): none. Throws ERR_WAKESOCK_SOCKET when they contradict themselves.
 */
export function takeListenFds(env: NodeJS.ProcessEnv, pid: number = process.pid): InheritedFd[] {
  const { LISTEN_PID: listenPid, LISTEN_FDS: listenFds, LISTEN_FDNAMES: listenNames } = env;
  delete env['LISTEN_PID'];
  delete env['LISTEN_FDS'];
  delete env['LISTEN_FDNAMES'];
  delete env['LISTEN_PIDFDID'];

  if (listenPid === undefined || listenFds === undefined) return [];
  if (readCount('LISTEN_PID', listenPid, Number.MAX_SAFE_INTEGER) !== pid) return [];
  const count = readCount('LISTEN_FDS', listenFds, inheritedFdsMax);
  const names = readNames(listenNames, count);
  return names.map((name, index) => ({ fd: firstInheritedFd + index, name }));
}

function readCount(variable: string, text: string, max: number): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= max)) {
    throw new WakesockError('ERR_WAKESOCK_SOCKET', `Expected ${variable} to be a number from 0 to ${max}, got ${JSON.stringify(text.slice(0, 40))}`);
  }
  return count;
}

function readNames(text: string | undefined, count: number): string[] {
  if (text === undefined) return Array.from({ length: count }, () => 'unknown');
  if (Buffer.byteLength(text) > listenFdNamesBytesMax) {
    throw new WakesockError('ERR_WAKESOCK_SOCKET', `Expected LISTEN_FDNAMES of at most ${listenFdNamesBytesMax} bytes, got ${Buffer.byteLength(text)}`);
  }
  const names = text === '' && count === 0 ? [] : text.split(':');
  if (names.length !== count) {
    throw new WakesockError('ERR_WAKESOCK_SOCKET', `Expected as many names in LISTEN_FDNAMES as LISTEN_FDS says, ${count}, got ${names.length}`);
  }
  return names;
}
