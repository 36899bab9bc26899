/** The handle on the client process (client.ts). */
import type { Load } from '../../src/bench/load.ts';
import type { Answer, Order, Target } from './client.ts';
import { LineProcess } from './line-process.ts';

export class BenchClient {
  readonly #process: LineProcess;

  /** @param script the bundled client.ts */
  constructor(script: string) {
    this.#process = new LineProcess(process.execPath, [script]);
  }

  /** Milliseconds from `connect` to the first byte; throws where none came. */
  async firstByteMs(target: Target): Promise<number> {
    return (await this.#order<{ firstByteMs: number }>({ do: 'ask', targets: [target] })).firstByteMs;
  }

  /** A request to each, all at once. */
  burst(targets: readonly Target[]): Promise<Load> {
    return this.#order({ do: 'burst', targets });
  }

  /** At a fixed rate, to one after the other. */
  open(targets: readonly Target[], load: { readonly ratePerSecond: number; readonly durationMs: number }): Promise<Load> {
    return this.#order({ do: 'open', targets, ...load });
  }

  /** As fast as it is answered. */
  closed(target: Target, load: { readonly connections: number; readonly durationMs: number }): Promise<Load> {
    return this.#order({ do: 'closed', targets: [target], ...load });
  }

  end(): Promise<void> {
    return this.#process.end();
  }

  async #order<T>(order: Order): Promise<T> {
    this.#process.send(JSON.stringify(order));
    const answer = JSON.parse(await this.#process.line()) as Answer;
    if ('error' in answer) throw new Error(answer.error);
    return answer as T;
  }
}
