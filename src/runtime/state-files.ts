/** Writing under the state directory: all or nothing, and failures by one name. */
import { chmodSync, closeSync, existsSync, fchmodSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { WakesockError } from '../base/errors.ts';

export interface StateFile {
  readonly name: string;
  readonly data: string;
  readonly mode: number;
}

/**
 * Replaces files of one directory. Each is whole on the disk before the first takes its name; then they are renamed in order,
 * so the last says whether the set is complete. On failure what was there before stays, and nothing else.
 *
 * @throws WakesockError `ERR_WAKESOCK_STATE_DIR` with the path and errno
 */
export function replaceFiles(directory: string, files: readonly StateFile[]): void {
  const entries = files.map((file) => ({ ...file, path: `${directory}/${file.name}`, temporary: `${directory}/.${file.name}.${process.pid}` }));
  try {
    for (const { temporary, data, mode } of entries) writeWhole(temporary, data, mode);
    for (const { path, temporary } of entries) renameSync(temporary, path);
    syncDirectory(directory);
  } catch (error) {
    for (const { temporary } of entries) rmSync(temporary, { force: true });
    throw stateError(directory, error);
  }
}

/** Makes a directory and those above it. @returns the first that was not there, to be removed should what follows fail */
export function makeStateDirectory(path: string, mode: number): string | null {
  try {
    return ensureDirectory(path, mode);
  } catch (error) {
    throw stateError(path, error);
  }
}

/** Not mkdir's `recursive`: where nothing may be written, Node 20 then reports ENOENT for EROFS. */
export function ensureDirectory(path: string, mode: number): string | null {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return null;
  const above = dirname(path);
  const made = above === path ? null : ensureDirectory(above, mode);
  try {
    mkdirSync(path, { mode });
    // Whatever the umask of who enables a site: programs of other users must pass.
    chmodSync(path, mode);
  } catch (error) {
    // Made by another in between.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
  return made ?? path;
}

/** Runs `act` in a new or existing directory; if it was new and `act` fails, it is removed again with all in it. */
export function withinStateDirectory<T>(path: string, mode: number, act: () => T): T {
  const made = makeStateDirectory(path, mode);
  try {
    return act();
  } catch (error) {
    if (made !== null && existsSync(made)) rmSync(made, { recursive: true, force: true });
    throw stateError(path, error);
  }
}

/** What the system refused, by name; anything else stays what it is. @param path where, if the error does not say itself */
export function stateError(path: string, error: unknown): unknown {
  const { code, syscall, path: where = path } = error as NodeJS.ErrnoException;
  if (error instanceof WakesockError || syscall === undefined) return error;
  return new WakesockError('ERR_WAKESOCK_STATE_DIR', `${where}: expected to write the state of a site, got ${code ?? syscall}`, { cause: error });
}

/** The file is whole on the disk when this returns. What a power cut takes the content of would be there, and empty. */
export function writeWhole(path: string, data: string, mode: number): void {
  // Left by one who was killed and had our number.
  rmSync(path, { force: true });
  const fd = openSync(path, 'wx', mode);
  try {
    fchmodSync(fd, mode);
    writeFileSync(fd, data);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes names themselves survive a power cut: renames, links, new files. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
