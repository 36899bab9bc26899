/**
 * Starting crun before it may run: its config.json is a FIFO that nobody has written yet.
 *
 * While systemd makes the scope, crun is loaded and linked and waits in `read`. Then it is given the configuration. crun
 * reads its file twice, so the FIFO is replaced by the file itself before its end is announced: a crun that opened the
 * FIFO reads from it and finds the file the second time; one that was slower finds the file both times. If we die, the
 * FIFO ends empty and crun exits; one that has not opened it yet is killed with our service, or with its scope.
 */
import { closeSync, constants, openSync, readFileSync, renameSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import { makeFifo, setPipeSize } from '../linux/fd.ts';
import { bundleConfigBytesMax } from '../base/limits.ts';
import { WakesockError } from '../base/errors.ts';

const PIPE_BYTES_DEFAULT = 64 * 1024;

export interface Gate {
  /** What crun is given as `--config`. */
  readonly path: string;
  /** Lets crun read the configuration. */
  open(): void;
  /** Makes crun fail, if it still waits. */
  abandon(): void;
}

/** @param directory is ours alone and exists */
export function makeGate(directory: string, configPath: string): Gate {
  const path = `${directory}/config.json`;
  rmSync(path, { force: true });
  const config = readFileSync(configPath);
  if (config.length > bundleConfigBytesMax) {
    throw new WakesockError('ERR_WAKESOCK_LIMIT', `${configPath}: expected at most ${bundleConfigBytesMax} bytes, found ${config.length}`);
  }
  makeFifo(path, 0o600);
  // Both ends: opening it does not wait for crun, nor crun for us.
  let fd: number | null = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  if (config.length > PIPE_BYTES_DEFAULT) setPipeSize(fd, bundleConfigBytesMax);
  const close = (): void => {
    if (fd !== null) closeSync(fd);
    fd = null;
  };
  return {
    path,
    open: () => {
      if (fd === null) return;
      writeSync(fd, config);
      symlinkSync(configPath, `${path}.file`);
      renameSync(`${path}.file`, path);
      close();
    },
    abandon: () => {
      // A crun that has not come here yet would wait for a writer for ever: it finds nothing, and ends.
      if (fd !== null) rmSync(path, { force: true });
      close();
    },
  };
}
