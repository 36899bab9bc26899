/** The handle on test/programs/front-load.mjs in the box. */
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { BoxProcess, Machine } from '../box/machine.ts';
import { programs } from './product.ts';

export interface LoadAsked {
  readonly what: 'load' | 'idle' | 'slow';
  readonly hosts: readonly string[];
  readonly clients: number;
  readonly each?: number;
  readonly body?: number;
}

export class FrontLoad {
  readonly #process: BoxProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(box: Machine, asked: LoadAsked) {
    this.#process = box.spawn([process.execPath, join(programs, 'front-load.mjs'), JSON.stringify(asked)]);
    const { stdout } = this.#process.child;
    if (!stdout) throw new Error('Expected the load to have a standard output');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** The next thing it says. */
  async next(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('Expected the load to say something, it has ended');
    return JSON.parse(value) as Record<string, unknown>;
  }

  go(): void {
    this.#process.child.stdin?.write('go\n');
  }

  end(): void {
    this.#process.kill('SIGKILL');
  }
}
