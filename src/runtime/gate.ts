/**
 * Starting crun before it may run: its config.json is a FIFO that nobody has opened for writing yet.
 *
 * While systemd makes the scope, crun is loaded and linked and waits in `open`. Then it is given the configuration. crun
 * reads its file twice, so the FIFO is replaced by the file itself before it is written to: a crun that waits there
 * reads from the FIFO and finds the file the second time; one that was slower finds the file both times. One that had found
 * the FIFO's name and comes to wait there only now is served as soon as it does: the kernel opens a FIFO for writing
 * where somebody reads, and for nobody else (fifo(7)). If we die, crun is killed with our service, or with its scope.
 */
import { closeSync, constants, openSync, readFileSync, renameSync, rmSync, statfsSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { makeFifo, setPipeSize } from '../linux/fd.ts';
import { isErrno } from '../linux/libc.ts';
import { bundleConfigBytesMax } from '../base/limits.ts';
import { WakesockError } from '../base/errors.ts';

const PIPE_BYTES_DEFAULT = 64 * 1024;
const serveAgainMs = 5;
/** Node does not have it: `open(2)`. */
const O_PATH = 0o10000000;

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
  /** Whatever its name leads to by then. Null: crun has been served, or nobody is any more. */
  let fifo: number | null = openSync(path, O_PATH);
  let again: NodeJS.Timeout | null = null;
  const close = (): void => {
    if (again) clearInterval(again);
    again = null;
    if (fifo !== null) closeSync(fifo);
    fifo = null;
  };
  /** With nothing, where it is to fail. */
  const serve = (bytes: Buffer): void => {
    const fd = fifo === null ? null : openWhereSomebodyReads(`/proc/self/fd/${fifo}`);
    if (fd === null) return;
    try {
      if (bytes.length > PIPE_BYTES_DEFAULT) setPipeSize(fd, bundleConfigBytesMax);
      writeSync(fd, bytes);
    } finally {
      closeSync(fd);
      close();
    }
  };
  let opened = false;
  return {
    path,
    open: () => {
      if (opened || fifo === null) return;
      opened = true;
      if (secrets.length === 0) symlinkSync(configPath, `${path}.file`);
      else writeFileSync(`${path}.file`, config, { mode: 0o600 });
      renameSync(`${path}.file`, path);
      serve(config);
      // It may have the FIFO in hand all the same, and nobody tells us when it comes. Most often it finds the file, and ends before long.
      if (fifo !== null) again = setInterval(() => serve(config), serveAgainMs);
    },
    abandon: () => {
      // A crun that has not come here yet would wait for a writer for ever: it finds nothing, and ends.
      if (!opened || secrets.length > 0) rmSync(path, { force: true });
      serve(Buffer.alloc(0));
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

/** Null where nobody has opened it for reading, or waits to. */
function openWhereSomebodyReads(path: string): number | null {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENXIO')) return null;
    throw error;
  }
}
