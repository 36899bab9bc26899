import { execFile } from 'node:child_process';
import { WakesockError } from '../base/errors.ts';
import type { StatusReport } from '../control/types.ts';

export type ActivatorState = StatusReport['activator'];

export interface SystemdSays {
  readonly activator: ActivatorState;
  /** Why systemd cannot start it, while clients wait. */
  readonly problem: WakesockError | null;
}

const stopped: ActivatorState = { state: 'stopped', pid: null };
/** RestartForceExitStatus= of wakesock.service: not a failure. */
const startAgain = 75;

/**
 * What systemd says of wakesock.service. By `systemctl` and not over our own bus connection: it takes a third of the time
 * that loading one takes, and works where the bus is down.
 */
export function activatorState(): Promise<SystemdSays> {
  return new Promise((done) => {
    const args = ['show', '--property=ActiveState,SubState,MainPID,Result,ExecMainStatus', 'wakesock.service'];
    // An error means that systemd is not there, or answers nobody: then it has started nothing either.
    execFile('systemctl', args, { timeout: 5_000 }, (error, output) => done(error === null ? parseShow(output) : { activator: stopped, problem: null }));
  });
}

/** An activator that is stopping or waits to be started again must not be connected to: that would start the next one. */
export function parseShow(output: string): SystemdSays {
  const properties = new Map(output.split('\n').map((line) => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)] as const;
  }));
  const pid = Number(properties.get('MainPID'));
  const again = properties.get('SubState')?.startsWith('auto-restart') === true;
  const runs = ['active', 'reloading', 'activating'].includes(properties.get('ActiveState') ?? '') && !again && pid > 0;
  return {
    activator: runs ? { state: 'running', pid } : stopped,
    problem: again && properties.get('Result') === 'exit-code' ? startProblem(Number(properties.get('ExecMainStatus'))) : null,
  };
}

/** It is started again and again, and ends each time: systemd.exec(5), Process Exit Codes. */
function startProblem(status: number): WakesockError | null {
  if (status === startAgain) return null;
  const why = exitStatuses[status] ?? `with status ${status}`;
  return new WakesockError('ERR_WAKESOCK_SYSTEMD', `wakesock.service cannot be started, and clients wait: it ends ${why}. See: journalctl -u wakesock.service`);
}

const exitStatuses: Readonly<Record<number, string>> = {
  202: 'with 202/FDS: the sockets of all sites exceed LimitNOFILE= of wakesock.service',
  203: 'with 203/EXEC: the Node or the program that `wakesock install` wrote into wakesock.service is not there any more; run it again',
  205: 'with 205/LIMITS: a limit of wakesock.service exceeds what this machine allows',
  238: 'with 238/STATE_DIRECTORY: /var/lib/wakesock cannot be used',
};
