import { execFile } from 'node:child_process';
import type { StatusReport } from '../control/types.ts';

export type ActivatorState = StatusReport['activator'];

const stopped: ActivatorState = { state: 'stopped', pid: null };

/**
 * What systemd says of wakesock.service. By `systemctl` and not over our own bus connection: it takes a third of the time
 * that loading one takes, and works where the bus is down.
 */
export function activatorState(): Promise<ActivatorState> {
  return new Promise((done) => {
    const args = ['show', '--property=ActiveState,SubState,MainPID', 'wakesock.service'];
    // An error means that systemd is not there, or answers nobody: then it has started nothing either.
    execFile('systemctl', args, { timeout: 5_000 }, (error, output) => done(error === null ? parseShow(output) : stopped));
  });
}

/** An activator that is stopping or waits to be started again must not be connected to: that would start the next one. */
export function parseShow(output: string): ActivatorState {
  const properties = new Map(output.split('\n').map((line) => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)] as const;
  }));
  const pid = Number(properties.get('MainPID'));
  const runs = ['active', 'reloading', 'activating'].includes(properties.get('ActiveState') ?? '')
    && !properties.get('SubState')?.startsWith('auto-restart') && pid > 0;
  return runs ? { state: 'running', pid } : stopped;
}
