/** A run in a box, or on this machine: started, read, and a failure told with what it said. */
import { createInterface } from 'node:readline';
import type { AttachedBox } from '../../test/box/box.ts';
import type { RunEvent, RunOptions } from '../types.ts';

export async function runIn(box: Pick<AttachedBox, 'spawn'>, options: RunOptions, onEvent: (event: RunEvent) => void): Promise<void> {
  const run = box.spawn(['node', `${options.checkout}/.cache/bench-run.mjs`, JSON.stringify(options)]);
  const stop = (): void => run.kill('SIGKILL');
  process.once('exit', stop);
  let said = '';
  run.child.stderr?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  createInterface({ input: run.child.stdout! }).on('line', (line) => onEvent(JSON.parse(line) as RunEvent));
  const code = await run.exited;
  process.off('exit', stop);
  if (code !== 0) throw new Error(`The run ended with ${code}\n${said.trim()}`);
}
