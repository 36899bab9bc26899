/** crun(1) as child processes: `run --detach` behind a gate, and `delete`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import type { RootMount } from '../base/site.ts';
import { findProgram } from './find-program.ts';
import { withRoot } from './root-mount.ts';

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
  /** What is to be mounted where the bundle says its root is; null: it is there already. */
  readonly rootMount: RootMount | null;
}

export interface CrunExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Crun {
  readonly #program: string;
  readonly #stateDir: string;

  /** @param stateDir crun's own state, and its cache of compiled seccomp filters */
  constructor(stateDir: string, program = findProgram('crun')) {
    this.#program = program;
    this.#stateDir = stateDir;
  }

  /**
   * Starts `crun run --detach`; it exits 0 once the program has been started.
   * @throws WakesockError `ERR_WAKESOCK_RUNTIME` where the root cannot be mounted
   */
  run(request: CrunRun): { child: ChildProcess; exited: Promise<CrunExit> } {
    const start = (): ChildProcess => this.#spawn(
      ['run', '--detach', `--pid-file=${request.pidFile}`, `--config=${request.configPath}`, `--bundle=${request.bundle}`, request.id],
      ['ignore', request.stdout, request.stderr, ...request.listenFds],
      request.listenFds.length > 0 ? { LISTEN_FDS: String(request.listenFds.length) } : {},
    );
    const child = request.rootMount === null ? start() : withRoot(request.rootMount, start);
    return { child, exited: exitOf(child) };
  }

  /** Removes what crun keeps of a container, and the container itself. Nothing there is no error. */
  async delete(id: string): Promise<void> {
    if (!this.knows(id)) return;
    await exitOf(this.#spawn(['delete', '--force', id], ['ignore', 'ignore', 'ignore'], {}));
    // crun leaves a directory behind that it could not make sense of, and would refuse the name from then on.
    rmSync(`${this.#stateDir}/${id}`, { recursive: true, force: true });
  }

  knows(id: string): boolean {
    return existsSync(`${this.#stateDir}/${id}`);
  }

  #spawn(args: readonly string[], stdio: ('ignore' | number)[], env: Record<string, string>): ChildProcess {
    return spawn(this.#program, ['--cgroup-manager=disabled', `--root=${this.#stateDir}`, ...args], { stdio, env: { PATH: process.env['PATH'], ...env } });
  }
}

function exitOf(child: ChildProcess): Promise<CrunExit> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new WakesockError('ERR_WAKESOCK_RUNTIME', `crun could not be started: ${error.message}`, { cause: error })));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}
