import { Readable, Writable } from 'node:stream';
import { systemPaths, type Paths } from '../../../src/base/paths.ts';
import { main } from '../../../src/cli/main.ts';
import type { VerbContext } from '../../../src/cli/verb.ts';

/** A context that keeps what is written. */
export class FakeContext implements VerbContext {
  readonly stdout: Writable & { isTTY?: boolean; columns?: number };
  readonly stderr: Writable;
  readonly env: NodeJS.ProcessEnv;
  readonly paths: Paths;
  out = '';
  err = '';

  readonly stdin?: NonNullable<VerbContext['stdin']>;

  /** @param input what somebody at a terminal types */
  constructor({ columns, env = {}, paths = systemPaths, input }: { columns?: number; env?: NodeJS.ProcessEnv; paths?: Paths; input?: string } = {}) {
    this.stdout = new Writable({ write: (chunk, _, done) => { this.out += String(chunk); done(); } });
    this.stderr = new Writable({ write: (chunk, _, done) => { this.err += String(chunk); done(); } });
    if (columns !== undefined) Object.assign(this.stdout, { isTTY: true, columns });
    if (input !== undefined) this.stdin = Object.assign(Readable.from([input]), { isTTY: true });
    this.env = env;
    this.paths = paths;
  }
}

/** Runs a command line in this process. */
export async function wakesock(args: readonly string[], context = new FakeContext()): Promise<{ code: number; out: string; err: string }> {
  const code = await main(args, context);
  return { code, out: context.out, err: context.err };
}
