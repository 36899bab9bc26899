/**
 * A whole machine, emulated by QEMU: its own kernel with all controllers, systemd as the real process 1, a disk that outlives a power cut.
 * It is slow (everything takes ten times as long): for limits, reboots and figures of memory, not for times.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { startTime } from '../../box/box.ts';
import { machineOf, signalNumbers, type BoxProcess, type Machine } from '../../box/machine.ts';
import { wholeLines } from '../../box/whole-lines.ts';
import { type Disk, nodePrefix } from './disk.ts';

const run = promisify(execFile);

export interface VirtualMachine extends Machine {
  /** As an administrator does it. Resolves when the machine is up again. */
  reboot(): Promise<void>;
  /** The power is gone: of what the kernel had not yet written nothing is left. */
  powerCut(): Promise<void>;
  /** After a power cut. Resolves when systemd has finished its start-up. */
  boot(): Promise<void>;
  /** As an administrator does it; what is on the disk can be read afterwards, as `disk`. */
  powerOff(): Promise<void>;
  /** With all that was changed. */
  readonly disk: Disk;
  /** Ends it and removes its disk. */
  stop(): Promise<void>;
}

export interface MachineOptions {
  readonly disk: Disk;
  readonly log?: (line: string) => void;
  /** Default 2048. */
  readonly memoryMiB?: number;
  /** Default 2. */
  readonly cpus?: number;
  /** A file that is /dev/vdb, read-only. */
  readonly second?: string;
}

const bootTimeoutMs = 5 * 60_000;
/** What QEMU emulates on several threads and a kernel that patches its own code do not always agree, before anything of ours runs. */
const bootsMax = 3;
/** On a machine with others beside it, too. */
const slowness = 10;
const statePrefix = 'wakesock-vm-';

/** Boots a machine. It ends with this process, however that ends. */
export async function bootMachine(options: MachineOptions): Promise<VirtualMachine> {
  sweep();
  const directory = mkdtempSync(join(tmpdir(), `${statePrefix}${process.pid}-${startTime(process.pid)}-`));
  const { disk } = options;
  const image = join(directory, 'disk.qcow2');
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', disk.image, '-F', disk.format, image]);
  const path = `${await nodePrefix()}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  let agent: Agent;
  let qemu: ChildProcess;
  let ended: Promise<void>;

  const bootOnce = async (): Promise<void> => {
    const startMs = performance.now();
    qemu = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...qemuArguments(options, image, join(directory, 'console.log'))], { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    qemu.stderr?.on('data', (chunk: Buffer) => { said += String(chunk); });
    ended = new Promise((resolve) => { qemu.once('close', () => resolve()).once('error', (error) => { said += error.message; resolve(); }); });
    agent = new Agent(qemu);
    void ended.then(() => agent.gone());
    await within(bootTimeoutMs, Promise.race([agent.booted, ended.then(() => { throw new Error('QEMU ended'); })]), 'the machine to boot')
      .catch(async (error: Error) => { throw new Error(`${error.message}\n${said}\n${(await readFile(join(directory, 'console.log'), 'utf8').catch(() => '')).split('\n').slice(-40).join('\n')}`, { cause: error }); });
    options.log?.(`up after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  };

  const boot = async (): Promise<void> => {
    for (let boots = 1; ; boots += 1) {
      try {
        await bootOnce();
        break;
      } catch (error) {
        if (boots === bootsMax || !String(error).includes('Kernel panic')) throw error;
        options.log?.('its kernel panicked: booted again');
      }
    }
    const { stdout } = await machine.exec(['systemctl', 'is-system-running', '--wait']);
    if (stdout.trim() !== 'running') throw new Error(`Expected the machine to come into state running, got ${stdout}${(await machine.exec(['systemctl', '--failed', '--no-pager'])).stdout}`);
  };

  const machine = machineOf((command, env = {}) => agent.start(command, { PATH: path, HOME: '/root', LANG: 'C.UTF-8', ...env }), slowness);
  /** The answer may be lost with the machine. */
  const goDown = async (verb: string): Promise<void> => {
    await machine.exec(['systemctl', verb]);
    await within(bootTimeoutMs, ended, `the machine to ${verb}`);
  };
  const kill = async (): Promise<void> => {
    qemu.kill('SIGKILL');
    await ended;
  };
  try {
    await boot();
  } catch (error) {
    await kill();
    rmSync(directory, { recursive: true });
    throw error;
  }
  return {
    ...machine,
    disk: { ...disk, image, format: 'qcow2' },
    boot,
    powerCut: kill,
    async reboot() {
      await goDown('reboot');
      await boot();
    },
    async powerOff() {
      await goDown('poweroff');
    },
    async stop() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function qemuArguments({ disk, memoryMiB = 2048, cpus = 2, second }: MachineOptions, image: string, console: string): string[] {
  return [
    // A machine that reboots ends QEMU, which is started again: its own way through its firmware takes longer.
    '-no-reboot', '-accel', 'tcg,thread=multi', '-cpu', cpu, '-smp', String(cpus), '-m', String(memoryMiB), '-nodefaults', '-no-user-config', '-display', 'none',
    '-serial', `file:${console}`, '-kernel', disk.kernel, '-initrd', disk.initrd, '-append', 'root=/dev/vda rw console=ttyS0 quiet mitigations=off no_timer_check panic=-1 systemd.show_status=0',
    '-drive', `file=${image},format=qcow2,if=virtio,discard=unmap`, ...second === undefined ? [] : ['-drive', `file=${second},format=raw,if=virtio,readonly=on`],
    '-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci', '-chardev', 'stdio,id=agent,signal=off', '-device', 'virtserialport,chardev=agent,name=wakesock',
  ];
}

/** Newer ones have more to emulate: with `max` a boot takes a third more of the processor's time. */
const cpu = 'Nehalem';

/** Disks of machines whose owner was killed. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid, ownerStartTime] = new RegExp(`^${statePrefix}(\\d+)-(\\d+)-`).exec(name) ?? [];
    if (pid !== undefined && startTime(Number(pid)) !== ownerStartTime) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

async function within<T>(timeoutMs: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Expected ${what} within ${timeoutMs} ms, it did not come to pass`)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

type Event =
  | { readonly ready: true }
  | { readonly id: number; readonly stdout?: string; readonly stderr?: string; readonly code?: number; readonly signal?: NodeJS.Signals | null };

interface Running {
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
  readonly exited: (code: number) => void;
}

/** Our end of agent.mjs. */
class Agent {
  readonly #qemu: ChildProcess;
  readonly #running = new Map<number, Running>();
  #ids = 0;
  #booted: () => void = () => {};
  readonly booted = new Promise<void>((resolve) => { this.#booted = resolve; });

  constructor(qemu: ChildProcess) {
    this.#qemu = qemu;
    qemu.stdin?.on('error', () => undefined);
    if (qemu.stdout) wholeLines(qemu.stdout, (line) => this.#take(line));
  }

  /** The machine is off, and with it ended what ran there. */
  gone(): void {
    for (const { stdout, stderr, exited } of this.#running.values()) {
      stdout.end();
      stderr.end();
      exited(255);
    }
    this.#running.clear();
  }

  start(command: readonly string[], env: Readonly<Record<string, string>>): BoxProcess {
    const id = this.#ids += 1;
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => { this.#tell({ id, stdin: chunk.toString('base64') }, done); },
      final: (done) => { this.#tell({ id, end: true }, done); },
    });
    const exited = new Promise<number>((resolve) => { this.#running.set(id, { stdout, stderr, exited: resolve }); });
    this.#tell({ id, start: command, env });
    return { child: { stdin, stdout, stderr }, exited, kill: (signal = 'SIGTERM') => { if (this.#running.has(id)) this.#tell({ id, signal }); } };
  }

  #tell(command: Readonly<Record<string, unknown>>, done?: () => void): void {
    this.#qemu.stdin?.write(`${JSON.stringify(command)}\n`, () => done?.());
  }

  #take(line: string): void {
    const event = JSON.parse(line) as Event;
    if ('ready' in event) {
      this.#booted();
      return;
    }
    const running = this.#running.get(event.id);
    if (running === undefined) return;
    if (event.stdout !== undefined) running.stdout.write(Buffer.from(event.stdout, 'base64'));
    if (event.stderr !== undefined) running.stderr.write(Buffer.from(event.stderr, 'base64'));
    if (event.code === undefined) return;
    this.#running.delete(event.id);
    running.stdout.end();
    running.stderr.end();
    running.exited(event.signal ? 128 + (signalNumbers[event.signal] ?? 0) : event.code);
  }
}
