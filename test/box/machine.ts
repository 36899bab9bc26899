/** What tests do in a machine, be it a box or a virtual one: programs and files. */
import type { ChildProcess } from 'node:child_process';

export interface ExecOptions {
  /** Standard input. Default: none. */
  readonly input?: string | Uint8Array;
  /** Added to a clean environment of PATH, HOME and LANG. */
  readonly env?: Readonly<Record<string, string>>;
  /** Everything started is killed then, and the call throws. Default 60,000. */
  readonly timeoutMs?: number;
}

export interface ExecResult {
  /** Exit code, or 128 + signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs in the box until it ends, is killed, or the box stops. */
export interface BoxProcess {
  readonly child: Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr'>;
  /** Resolves with the exit code, or 128 + signal. */
  readonly exited: Promise<number>;
  /** Signals the program and all of its process group. */
  kill(signal?: NodeJS.Signals): void;
}

export interface Machine {
  /** What takes a box a second takes this machine so many: deadlines of whoever waits on it are longer by as much. */
  readonly slowness: number;
  exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** As `exec`, but throws on any exit code but 0. Resolves with standard output. */
  run(command: readonly string[], options?: ExecOptions): Promise<string>;
  spawn(command: readonly string[], options?: { readonly env?: Readonly<Record<string, string>> }): BoxProcess;
  /** Makes missing parent directories. `mode` is octal text, e.g. `755`. */
  writeFile(path: string, data: string | Uint8Array, mode?: string): Promise<void>;
  readFile(path: string): Promise<string>;
}

export const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGTERM: 15 };

/** All of it over the one thing that machines do differently. */
export function machineOf(start: (command: readonly string[], env?: Readonly<Record<string, string>>) => BoxProcess, slowness = 1): Machine {
  const exec = async (command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> => {
    const { child, exited, kill } = start(command, options.env);
    const timeoutMs = (options.timeoutMs ?? 60_000) * slowness;
    let late = false;
    const timer = setTimeout(() => { late = true; kill('SIGKILL'); }, timeoutMs);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A program may end without reading its input.
    child.stdin?.on('error', () => undefined).end(options.input);
    const code = await exited.finally(() => clearTimeout(timer));
    const result = { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
    if (late) throw new Error(`Expected ${command.join(' ')} to end within ${timeoutMs} ms, it did not\n${result.stdout}${result.stderr}`);
    return result;
  };

  const run = async (command: readonly string[], options?: ExecOptions): Promise<string> => {
    const result = await exec(command, options);
    if (result.code !== 0) throw new Error(`Expected ${command.join(' ')} to exit with 0, got ${result.code}\n${result.stdout}${result.stderr}`);
    return result.stdout;
  };

  return {
    slowness,
    exec,
    run,
    spawn: (command, options) => start(command, options?.env),
    // Not through /proc/PID/root: absolute links would lead out of the box.
    writeFile: async (path, data, mode = '644') => {
      await run(['sh', '-c', 'mkdir -p "$(dirname "$0")" && cat >"$0" && chmod "$1" "$0"', path, mode], { input: data });
    },
    readFile: (path) => run(['cat', '--', path]),
  };
}
