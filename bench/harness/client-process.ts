/** The handle on the client process (client.ts). */
import { LineProcess } from './line-process.ts';

export class BenchClient {
  readonly #process: LineProcess;

  /** @param script the bundled client.ts */
  constructor(script: string) {
    this.#process = new LineProcess(process.execPath, [script]);
  }

  /** Milliseconds from `connect` to the first byte; throws where none came. */
  async firstByteMs(port: number, host = 'bench'): Promise<number> {
    this.#process.send(JSON.stringify({ port, host }));
    const answer = JSON.parse(await this.#process.line()) as { firstByteMs: number } | { error: string };
    if ('error' in answer) throw new Error(answer.error);
    return answer.firstByteMs;
  }

  end(): Promise<void> {
    return this.#process.end();
  }
}
