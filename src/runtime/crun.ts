/** crun(1) as child processes: `run --detach` behind a gate, and `delete`. */
import { existsSync, rmSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { openUnchangeable } from '../linux/detached-mount.ts';
import { SyscallError } from '../linux/libc.ts';
import type { Poller } from '../sockets/poller.ts';
import { startChild, type Child } from './child.ts';
import { findProgram, searchPath } from './find-program.ts';
import { namesIn } from './names-in.ts';
import { withPrivateMounts, type PrivateMounts } from './private-mounts.ts';
import { SealedProgram } from './sealed-program.ts';

export interface CrunRun {
  readonly id: string;
  readonly bundle: string;
  readonly configPath: string;
  readonly pidFile: string;
  /** Our ends of what becomes the program's stdout and stderr. */
  readonly stdout: number;
  readonly stderr: number;
  /** Descriptors that the program finds from 3 on (sd_listen_fds(3)). */
  readonly listenFds: readonly number[];
  /** What is to be mounted where the bundle says its root and its secrets are. */
  readonly mounts: PrivateMounts;
}

export class Crun {
  readonly #poller: Poller;
  readonly #program: SealedProgram;
  readonly #stateDir: string;
  /** Of all containers. */
  #stdin: number | null = null;

  /** @param stateDir crun's own state, and its cache of compiled seccomp filters */
  constructor(poller: Poller, stateDir: string, program = findProgram('crun')) {
    this.#poller = poller;
    this.#program = new SealedProgram(program);
    this.#stateDir = stateDir;
  }

  /**
   * Starts `crun run --detach`; it exits 0 once the program has been started.
   * @throws WakesockError `ERR_WAKESOCK_RUNTIME`, `ERR_WAKESOCK_SECRET` where something cannot be mounted
   */
  run(request: CrunRun): Child {
    const start = (): Child => this.#start(
      ['run', '--detach', `--pid-file=${request.pidFile}`, `--config=${request.configPath}`, `--bundle=${request.bundle}`, request.id],
      [this.#stdin ??= openStdin(), request.stdout, request.stderr, ...request.listenFds],
      request.listenFds.length > 0 ? { LISTEN_FDS: String(request.listenFds.length) } : {},
    );
    return withPrivateMounts(request.mounts, start);
  }

  /** Removes what crun keeps of a container, and the container itself. Nothing there is no error. */
  async delete(id: string): Promise<void> {
    if (!this.knows(id)) return;
    await this.#start(['delete', '--force', id], [null, null, null], {}).exited;
    // crun leaves a directory behind that it could not make sense of, and would refuse the name from then on.
    rmSync(`${this.#stateDir}/${id}`, { recursive: true, force: true });
  }

  knows(id: string): boolean {
    return existsSync(`${this.#stateDir}/${id}`);
  }

  /** All that it knows, and some names beside. */
  known(): string[] {
    return namesIn(this.#stateDir);
  }

  #start(args: readonly string[], fds: readonly (number | null)[], env: Readonly<Record<string, string>>): Child {
    try {
      const { path, file } = this.#program;
      return startChild(this.#poller, path, ['--cgroup-manager=disabled', `--root=${this.#stateDir}`, ...args], { PATH: searchPath(), ...env }, fds, file);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new WakesockError('ERR_WAKESOCK_RUNTIME', `crun could not be started: ${error.message}`, { cause: error });
    }
  }
}

/** crun makes stdin the program's own, and a program may do so: that must not be the machine's /dev/null for everybody. */
function openStdin(): number {
  return openUnchangeable('/dev/null');
}
