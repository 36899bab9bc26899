/** Where a run took place: figures without it say nothing. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release } from 'node:os';
import type { AttachedBox } from '../../test/box/box.ts';
import type { Machine, Target } from '../types.ts';

export async function describeMachine(box: Pick<AttachedBox, 'run'>, target: Target): Promise<Machine> {
  const load = loadavg().map((value) => Math.round(value * 100) / 100);
  const first = async (pattern: RegExp, ...command: readonly string[]): Promise<string> => pattern.exec(await box.run(command))?.[1] ?? '';
  const [cpu] = cpus();
  return {
    at: new Date().toISOString(),
    target,
    commit: commit(),
    kernel: release(),
    systemd: await first(/^systemd \d+ \((.+)\)$/m, 'systemctl', '--version'),
    crun: await first(/^crun version (\S+)/, 'crun', '--version'),
    node: await first(/^v(\S+)/, 'node', '--version'),
    cpu: cpu?.model ?? '',
    cpus: cpus().length,
    load,
  };
}

/** With `+changes` where the tree is not what the commit says. */
function commit(): string {
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'src', 'units', 'bench') === '' ? '' : '+changes');
  } catch {
    return 'unknown';
  }
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}
