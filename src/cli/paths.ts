import { resolve } from 'node:path';
import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { unixPathBytesMax } from '../unitfile/socket-address.ts';
import type { VerbValues } from './verb.ts';

/** Options of every verb that looks at an activator or its files: the system's by default, else an embedded one's. */
export const pathOptions = {
  sites: { type: 'string' },
  'state-dir': { type: 'string' },
  'runtime-dir': { type: 'string' },
  control: { type: 'string' },
} as const;

export const controlOptionRow = ['--control=PATH', 'Control socket (default RUNTIME-DIR/control.sock).'] as const;
export const pathOptionRows: readonly (readonly [string, string])[] = [
  ['--sites=DIR', 'Directory of site files, instead of the three of the system (/etc/wakesock/sites and below).'],
  ['--state-dir=DIR', 'Prepared bundles and wake history (default /var/lib/wakesock; with --sites: DIR/.wakesock).'],
  ['--runtime-dir=DIR', 'What does not survive a reboot (default /run/wakesock; with --sites: STATE-DIR/run).'],
  controlOptionRow,
];

/**
 * The paths that the options mean. `--sites` moves all the others below its directory, so that an embedded activator and
 * the verbs that talk to it agree by naming the same directory, and none touches the system's.
 * @throws WakesockError ERR_WAKESOCK_LIMIT: the control socket's path is longer than the kernel takes
 */
export function pathsOf(values: VerbValues, base: Paths): Paths {
  const given = (name: keyof typeof pathOptions) => {
    const value = values[name];
    return typeof value === 'string' ? resolve(value) : undefined;
  };
  const sites = given('sites');
  const stateDir = given('state-dir') ?? (sites === undefined ? base.stateDir : `${sites}/.wakesock`);
  const runtimeDir = given('runtime-dir') ?? (sites === undefined ? base.runtimeDir : `${stateDir}/run`);
  const ownRuntimeDir = runtimeDir !== base.runtimeDir;
  const controlPath = given('control') ?? (ownRuntimeDir ? `${runtimeDir}/control.sock` : base.controlPath);
  if (Buffer.byteLength(controlPath) > unixPathBytesMax) {
    throw new WakesockError('ERR_WAKESOCK_LIMIT',
      `The control socket's path must be at most ${unixPathBytesMax} bytes; choose a shorter one with --control=PATH: ${controlPath}`);
  }
  return { siteDirs: sites === undefined ? base.siteDirs : [sites], stateDir, runtimeDir, controlPath };
}

/** The options ask for something other than the system's own activator, which systemd knows. */
export function isEmbedded(values: VerbValues): boolean {
  return values['sites'] !== undefined || values['control'] !== undefined || values['runtime-dir'] !== undefined;
}
