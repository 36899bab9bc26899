/** The handle on the client process (client.ts). */
import type { Load } from '../../src/bench/load.ts';
import type { Answer, Order, Speech } from './client.ts';
import { LineProcess } from './line-process.ts';

export class BenchClient {
  readonly #process: LineProcess;

  /** @param script the bundled client.ts */
  constructor(script: string) {
    this.#process = new LineProcess(process.execPath, [script]);
  }

  /** Milliseconds from `connect` to the first byte; throws where none came. */
  async firstByteMs(port: number, speech?: Speech, host?: string): Promise<number> {
    return (await this.#order<{ firstByteMs: number }>({ do: 'ask', ports: [port], speech, host })).firstByteMs;
  }

  /** A request to each port, all at once. */
  burst(ports: readonly number[], speech?: Speech): Promise<Load> {
    return this.#order({ do: 'burst', ports, speech });
  }

  /** At a fixed rate, to one port after the other. */
  open(ports: readonly number[], load: { readonly ratePerSecond: number; readonly durationMs: number }, speech?: Speech): Promise<Load> {
    return this.#order({ do: 'open', ports, speech, ...load });
  }

  /** As fast as it is answered. */
  closed(port: number, load: { readonly connections: number; readonly durationMs: number }, speech?: Speech): Promise<Load> {
    return this.#order({ do: 'closed', ports: [port], speech, ...load });
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
