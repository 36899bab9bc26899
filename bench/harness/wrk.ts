/** wrk(1), where it is there: another client, to hold ours against. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Answers per second, a connection for each; null where wrk is not there. */
export async function wrk(port: number, connections: number, durationMs: number): Promise<number | null> {
  const seconds = Math.max(1, Math.round(durationMs / 1000));
  try {
    const { stdout } = await run('wrk', ['--threads=1', `--connections=${connections}`, `--duration=${seconds}s`, '--header=Connection: close', `http://127.0.0.1:${port}/`]);
    const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(stdout)?.[1];
    return rate === undefined ? null : Number(rate);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
