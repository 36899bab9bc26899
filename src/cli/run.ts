import { setImmediate as turn } from 'node:timers/promises';
import { WakesockError } from '../base/errors.ts';
import { exitIdleMsDefault } from '../base/limits.ts';
import type { LogLevel } from '../base/log.ts';
import type { Paths } from '../base/paths.ts';
import { exitIdleMsOf, logLevelOf } from './options.ts';
import { pathOptionRows, pathOptions, pathsOf } from './paths.ts';
import type { Verb, VerbContext, VerbValues } from './verb.ts';

/** What `wakesock run` was told, as values. */
export interface RunOptions {
  readonly paths: Paths;
  /** No systemd: the activator opens the sockets of its sites itself and uses no scopes. */
  readonly embedded: boolean;
  /** No site awake for this long ends the activator; Infinity: never. */
  readonly exitIdleMs: number;
  readonly logLevel: LogLevel;
}

export const verb: Verb = {
  name: 'run',
  summary: 'The activator: waits on the sites\' sockets, wakes their containers, stops idle ones.',
  usage: 'wakesock run [OPTION…]',
  options: [
    ...pathOptionRows,
    ['--exit-idle-time=SPAN', 'End when no site was awake for this long: 30s (the default), 500ms, 5min, infinity (the default where there is no systemd).'],
    ['--log-level=LEVEL', 'trace, debug, info (the default), warn or error.'],
  ],
  details: `
wakesock.service runs this; the sockets are inherited from systemd (LISTEN_FDS).

Without systemd, \`wakesock run --sites=DIR\` opens the sockets of every site in DIR itself, prepares their bundles and
runs their containers without scopes, until it is ended by SIGINT or SIGTERM.`,
  parse: { ...pathOptions, 'exit-idle-time': { type: 'string' }, 'log-level': { type: 'string' } },
  async run(context, values, positionals) {
    if (positionals[0] !== undefined) {
      throw new WakesockError('ERR_WAKESOCK_USAGE', `run takes no sites, got ${positionals[0]}; they are all it runs`);
    }
    const options = runOptionsOf(values, context);
    // Only now, so that `--help` and a wrong option cost no koffi.
    const { beginAhead } = await import('../activator/ahead.ts');
    const ahead = options.embedded ? null : beginAhead();
    // Each turn takes the bus one step further: to be asked who we are, and to be let in.
    await turn();
    const { runActivator } = await import('../activator/index.ts');
    await turn();
    return runActivator(options, ahead);
  },
};

/** @throws WakesockError ERR_WAKESOCK_USAGE, ERR_WAKESOCK_LIMIT */
export function runOptionsOf(values: VerbValues, { env, paths }: Pick<VerbContext, 'env' | 'paths'>): RunOptions {
  const bySystemd = env['LISTEN_FDS'] !== undefined || env['NOTIFY_SOCKET'] !== undefined;
  if (values['sites'] === undefined && !bySystemd) {
    throw new WakesockError('ERR_WAKESOCK_USAGE',
      'run was not started by systemd (neither LISTEN_FDS nor NOTIFY_SOCKET is set); to run without it: --sites=DIR');
  }
  const embedded = values['sites'] !== undefined && env['LISTEN_FDS'] === undefined;
  const span = values['exit-idle-time'];
  return {
    paths: pathsOf(values, paths),
    embedded,
    exitIdleMs: typeof span === 'string' ? exitIdleMsOf(span) : embedded ? Infinity : exitIdleMsDefault,
    logLevel: logLevelOf(values['log-level'] ?? 'info'),
  };
}
