import { accessSync, constants } from 'node:fs';
import { WakesockError, type ErrorCode } from '../base/errors.ts';

/** Where programs of the machine are looked for: PATH, or systemd's default. */
export const searchPath = (): string => process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * An absolute path, so that no wake searches PATH.
 * @param debianPackage that it is in
 * @throws WakesockError `code`
 */
export function findProgram(name: string, debianPackage = name, code: ErrorCode = 'ERR_WAKESOCK_RUNTIME', path = searchPath()): string {
  for (const directory of path.split(':')) {
    const candidate = `${directory}/${name}`;
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      continue;
    }
  }
  throw new WakesockError(code, `\`${name}\` was not found in PATH (${path}); on Debian: apt-get install ${debianPackage}`);
}
