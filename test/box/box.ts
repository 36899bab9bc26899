/**
 * A real systemd as PID 1 in its own namespaces, over a copy-on-write view of a root. `boot` beside this file
 * does the mounting; here is what tests, demo and benchmarks use.
 */
import { execFile, spawn } from 'node:child_process';
import { constants, existsSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { debian13Root } from './debian13.ts';
import { machineOf, signalNumbers, type BoxProcess, type Machine } from './machine.ts';
import { findCgroup2, separateMounts } from './mounts.ts';

const run = promisify(execFile);

export type BoxTarget = 'debian12' | 'debian13';

export interface BoxOptions {
  /** `debian12` is the machine's own root, `debian13` one made by mmdebstrap. */
  readonly target: BoxTarget;
  /** Existing directories that box and machine share, writable. The checkout is always there, read-only. */
  readonly share?: readonly string[];
  /** A directory whose files and links are there as /etc/systemd/system when systemd starts. */
  readonly units?: string;
  /** For whom systemd has much to start. Default: 60 s. */
  readonly bootMsMax?: number;
  /** Progress, one line at a time. Default: nothing. */
  readonly log?: (line: string) => void;
}

/** Plain data from which {@link attachBox} makes a handle in another process. */
export interface BoxInfo {
  readonly target: BoxTarget;
  /** The machine's number of the box's PID 1. */
  readonly pid: number;
  /** The box's cgroup as the machine sees it. */
  readonly cgroup: string;
  /** From the start of the first process to the end of systemd's start-up. */
  readonly bootMs: number;
}

export interface AttachedBox extends Machine {
  readonly info: BoxInfo;
}

export interface Box extends AttachedBox {
  /** Ends every process of the box and removes all it left. Resolves when that is done. */
  stop(): Promise<void>;
}

const bootMsMaxDefault = 60_000;
const stateRoot = '/run/wakesock-box';
const cgroupPrefix = 'wakesock-box-';
/** One box after another in one process: each needs a name of its own. */
let boxes = 0;

/** The checkout: found upwards, since this module may have been bundled elsewhere. */
function findCheckout(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'test/box/boot'))) {
    if (directory === '/') throw new Error('Expected test/box/boot above this module, found none');
    directory = dirname(directory);
  }
  return realpathSync(directory);
}

/** Boots a box; resolves when systemd has finished its start-up. Ends with this process, however that ends. */
export async function bootBox(options: BoxOptions): Promise<Box> {
  const log = options.log ?? (() => undefined);
  const checkout = findCheckout();
  const boot = join(checkout, 'test/box/boot');
  const hierarchy = await findCgroup2();
  await sweepStaleBoxes(boot, hierarchy);
  const lower = options.target === 'debian12' ? '/' : await debian13Root(log);

  const binds = [
    ...options.target === 'debian12' ? await separateMounts() : [],
    `ro:${checkout}`,
    ...(options.share ?? []).map((path) => `rw:${realpathSync(path)}`),
    ...options.units === undefined ? [] : [`units:${realpathSync(options.units)}`],
  ];

  const startMs = performance.now();
  const id = `${process.pid}-${startTime(process.pid)}-${boxes += 1}`;
  const state = join(stateRoot, id);
  const cgroup = join(hierarchy, cgroupPrefix + id);
  await mkdir(state, { recursive: true });
  await run('mkfifo', ['-m', '600', join(state, 'events')]);
  // Open for writing too: so it neither blocks nor ends while nobody writes.
  const events = openSync(join(state, 'events'), constants.O_RDWR | constants.O_NONBLOCK);
  const bootLog = await open(join(state, 'boot.log'), 'w+');
  await mkdir(cgroup);

  // Its standard input is our promise to be alive. Detached: Ctrl-C is for us, the keeper cleans up after us.
  const keeper = spawn(boot, ['keep', state, cgroup, lower, realpathSync(process.execPath), ...binds], {
    detached: true, env: { PATH: process.env['PATH'] }, stdio: ['pipe', bootLog.fd, bootLog.fd],
  });
  const ended = new Promise<void>((resolve) => { keeper.once('close', () => resolve()).once('error', () => resolve()); });
  const stop = async (): Promise<void> => { keeper.stdin?.end(); await ended; };
  // What boot.log says must be read before the keeper removes it, so through the descriptor.
  const readBootLog = async (): Promise<string> => (await bootLog.read({ buffer: Buffer.alloc(64 * 1024), position: 0 })).buffer.toString().replaceAll('\0', '').trim();

  try {
    const { pid, word } = await awaitBoot(events, ended, options.bootMsMax ?? bootMsMaxDefault);
    const info: BoxInfo = { target: options.target, pid, cgroup, bootMs: performance.now() - startMs };
    const box = attachBox(info);
    if (word !== 'running') {
      const units = await box.exec(['sh', '-c', 'systemctl list-units --no-pager --no-legend --failed; journalctl -b --no-pager -n 50']);
      throw new Error(`Expected the box to boot into state running, got ${word}\n${units.stdout}`);
    }
    log(`${options.target}: systemd is up after ${Math.round(info.bootMs)} ms`);
    return { ...box, stop };
  } catch (error) {
    const text = await readBootLog();
    await stop();
    throw new Error(`The box (${options.target}) did not boot: ${error instanceof Error ? error.message : String(error)}${text === '' ? '' : `\n${text}`}`, { cause: error });
  } finally {
    await bootLog.close();
  }
}

/** Reads the FIFO that `boot` and, inside, box-ready.service write to. */
async function awaitBoot(fd: number, ended: Promise<void>, bootMsMax: number): Promise<{ pid: number; word: string }> {
  const socket = new Socket({ fd, readable: true, writable: false });
  const lines = createInterface({ input: socket });
  let pid = 0;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        const [what, value = ''] = line.split(' ');
        if (what === 'pid') pid = Number(value);
        if (what === 'state') resolve({ pid, word: value });
      });
      timer = setTimeout(() => reject(new Error(`Expected systemd to finish its start-up within ${bootMsMax} ms, it did not`)), bootMsMax);
      void ended.then(() => reject(new Error('Expected systemd to finish its start-up, but PID 1 of the box ended')));
    });
  } finally {
    clearTimeout(timer);
    lines.close();
    socket.destroy();
  }
}

/** A handle on a box that another process booted and will stop. */
export function attachBox(info: BoxInfo): AttachedBox {
  const start = (command: readonly string[], env: Readonly<Record<string, string>> = {}): BoxProcess => {
    // `nsenter` leaves the process in the machine's cgroup, where systemd and crun would not know it: join first.
    const child = spawn('sh', [
      '-c', 'mkdir -p "$0" && echo $$ >"$0/cgroup.procs" && exec "$@"', join(info.cgroup, 'box.exec'),
      'nsenter', '-t', String(info.pid), '-a', '--', 'env', '-i',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8',
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...command,
    ], { detached: true, stdio: 'pipe' });
    const exited = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : signalNumbers[signal] ?? 0)));
    });
    // nsenter forks: a signal to it alone would leave the program running.
    const kill = (signal: NodeJS.Signals = 'SIGTERM'): void => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
    };
    return { child, exited, kill };
  };

  return { info, ...machineOf(start) };
}

/** Field 22 of proc_pid_stat(5): with it a number that was used again is told from the process it once named. */
export function startTime(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Removes what boxes left whose owner and keeper were both killed: their names say whose they were. */
async function sweepStaleBoxes(boot: string, hierarchy: string): Promise<void> {
  const states = await readdir(stateRoot).catch(() => []);
  const cgroups = (await readdir(hierarchy)).filter((name) => name.startsWith(cgroupPrefix)).map((name) => name.slice(cgroupPrefix.length));
  for (const id of new Set([...states, ...cgroups])) {
    const [, pid, ownerStartTime] = /^(\d+)-(\d+)-\d+$/.exec(id) ?? [];
    if (pid === undefined || startTime(Number(pid)) === ownerStartTime) continue;
    await run(boot, ['sweep', join(stateRoot, id), join(hierarchy, cgroupPrefix + id)]);
  }
}
