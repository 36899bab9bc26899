import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WakesockError } from '../base/errors.ts';
import { systemUnitDir } from './system.ts';

/** A file that `install` writes, with its place below `--prefix=`. */
export interface InstalledFile {
  readonly path: string;
  readonly text: string;
}

export interface RenderWith {
  /** Absolute paths. */
  readonly node: string;
  readonly program: string;
  /** Null: not known, which other root this is for. */
  readonly systemdVersion: number | null;
}

/** In the order in which they are written: what a unit needs is there before it, also where the power is cut in between. */
const units = ['wakesock.slice', 'wakesock.service', 'wakesock-lease.socket', 'wakesock.socket', 'wakesock-front.service', 'wakesock-front.socket', 'wakesock-relay@.service', 'wakesock-auto-update.service', 'wakesock-auto-update.timer'];
export const sysusersPath = '/etc/sysusers.d/wakesock.conf';
export const installedPaths: readonly string[] = [sysusersPath, ...units.map((unit) => `${systemUnitDir}/${unit}`)];

/** The groups first, then the units. `units/` is beside `dist/` in the package. @throws WakesockError ERR_WAKESOCK_SYSTEMD */
export function installedFiles(values: RenderWith): InstalledFile[] {
  const directory = unitsDirectory(values.program);
  const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
  return [
    { path: sysusersPath, text: readFileSync(sysusersTemplate(values.program), 'utf8') },
    ...units.map((unit) => ({ path: `${systemUnitDir}/${unit}`, text: renderUnit(read(unit), values) })),
  ];
}

/** What {@link sysusersPath} is made from. @throws WakesockError ERR_WAKESOCK_SYSTEMD */
export function sysusersTemplate(program: string): string {
  return join(unitsDirectory(program), 'sysusers.d/wakesock.conf');
}

/** Puts the paths in. A line `#@254 KEY=VALUE` is for systemd 254 and newer: an older one would warn of it at every reload. */
export function renderUnit(template: string, { node, program, systemdVersion }: RenderWith): string {
  return template
    .replaceAll('@NODE@', () => commandWord(node))
    .replaceAll('@PROGRAM@', () => commandWord(program))
    .replaceAll(/^#@(\d+) (.*)\n/gm, (_, since: string, line: string) => (systemdVersion !== null && systemdVersion >= Number(since) ? `${line}\n` : ''));
}

/** One word of ExecStart=: systemd.service(5), "Command lines". */
function commandWord(text: string): string {
  const escaped = text.replaceAll(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /[\s"'\\;]/.test(text) ? `"${escaped}"` : escaped;
}

function unitsDirectory(program: string): string {
  const directory = join(dirname(dirname(program)), 'units');
  if (existsSync(join(directory, 'wakesock.service'))) return directory;
  throw new WakesockError('ERR_WAKESOCK_SYSTEMD', `${directory}/wakesock.service is missing: expected the units of the package beside the directory of ${program}`);
}
