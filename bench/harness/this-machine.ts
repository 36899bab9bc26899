/** This machine's own systemd, spoken to as a box is. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AttachedBox } from '../../test/box/box.ts';

export type Place = Pick<AttachedBox, 'run' | 'spawn'> & { stop(): Promise<void> };

/** @throws Error where no systemd runs, or we are not root */
export function thisMachine(): Place {
  const first = readFileSync('/proc/1/comm', 'utf8').trim();
  if (first !== 'systemd') throw new Error(`--host needs systemd as process 1, here it is ${first}; without --host a box is booted`);
  if (process.geteuid?.() !== 0) throw new Error('--host needs root');
  return {
    run: async ([command = '', ...args]) => execFileSync(command, args, { encoding: 'utf8' }),
    spawn([command = '', ...args]) {
      const child = spawn(command, args, { stdio: 'pipe', detached: true });
      // The run ends itself then, and takes back what it has done.
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGTERM'));
      const exited = new Promise<number>((resolve, reject) => {
        child.once('error', reject).once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 137)));
      });
      return { child, exited, kill: (signal) => { child.kill(signal); } };
    },
    stop: async () => {},
  };
}
