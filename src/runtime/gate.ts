/**
 * Starting crun before it may run: its config.json is a FIFO that nobody has written yet.
 *
 * While systemd makes the scope, crun is loaded and linked and waits in `read`. Then it is given the configuration. crun
 * reads its file twice, so the FIFO is replaced by the file itself before its end is announced: a crun that opened the
 * FIFO reads from it and finds the file the second time; one that was slower finds the file both times. If we die, the
 * FIFO ends empty and crun exits; one that has not opened it yet is killed with our service, or with its scope.
 */
import { closeSync, constants, openSync, readFileSync, renameSync, rmSync, statfsSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { makeFifo, setPipeSize } from '../linux/fd.ts';
import { bundleConfigBytesMax } from '../base/limits.ts';
import { WakesockError } from '../base/errors.ts';

const PIPE_BYTES_DEFAULT = 64 * 1024;

export interface Gate {
  /** What crun is given as `--config`. */
  readonly path: string;
  /** Lets crun read the configuration. */
  open(): void;
  /** Makes crun fail, if it still waits; takes away what nobody needs any more. */
  abandon(): void;
}

/**
 * @param directory is ours alone and exists
 * @param secrets variables that stand in no file of ours: they go into what crun reads, and into memory
 */
export function makeGate(directory: string, configPath: string, secrets: readonly string[] = []): Gate {
  const path = `${directory}/config.json`;
  rmSync(path, { force: true });
  if (secrets.length > 0 && !isInMemory(directory)) throw new WakesockError('ERR_WAKESOCK_SECRET', `Secret= with type=env: expected ${directory} to be in memory (tmpfs), since crun keeps its configuration beside it; it is not. Take type=mount, or --runtime-dir= below /run`);
  const config = withEnvironment(readFileSync(configPath), secrets);
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
      if (secrets.length === 0) symlinkSync(configPath, `${path}.file`);
      else writeFileSync(`${path}.file`, config, { mode: 0o600 });
      renameSync(`${path}.file`, path);
      close();
    },
    abandon: () => {
      // A crun that has not come here yet would wait for a writer for ever: it finds nothing, and ends.
      if (fd !== null || secrets.length > 0) rmSync(path, { force: true });
      close();
    },
  };
}

/** Variables in front of all others; of `process.env` no other key of config.json has the name, and within a string quotes are escaped. */
function withEnvironment(config: Buffer, variables: readonly string[]): Buffer {
  if (variables.length === 0) return config;
  const key = '"env":[';
  const at = config.indexOf(key) + key.length;
  const text = JSON.stringify(variables).slice(1, -1);
  return Buffer.concat([config.subarray(0, at), Buffer.from(config[at] === 0x5d ? text : `${text},`), config.subarray(at)]);
}

const TMPFS_MAGIC = 0x0102_1994;
const RAMFS_MAGIC = 0x8584_58f6;

function isInMemory(directory: string): boolean {
  const { type } = statfsSync(directory);
  return type === TMPFS_MAGIC || type === RAMFS_MAGIC;
}
