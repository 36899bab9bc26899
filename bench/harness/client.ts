/**
 * The client: a process of its own with its own clock, so that nothing the harness does is in its way.
 * Reads an {@link Order} a line, and answers a line each: what the order's function returned, or `{"error"}`.
 */
import { createInterface } from 'node:readline';
import { ask, httpProblem } from '../../src/bench/ask.ts';
import { burst, closedLoop, openLoop, type Load } from '../../src/bench/load.ts';

/** How to ask what does not speak HTTP. */
export interface Speech {
  /** Base 64. */
  readonly request: string;
  /** What an answer begins with, base 64. */
  readonly answer: string;
}

/** Whom to ask. */
export interface Target {
  readonly port: number;
  /** The host that is asked for there. Default: `bench`. */
  readonly host?: string;
  /** How to ask. Default: HTTP. */
  readonly speech?: Speech;
}

interface Asked {
  /** Taken in turn. */
  readonly targets: readonly Target[];
}

export type Order = Asked & (
  | { readonly do: 'ask' }
  | { readonly do: 'burst' }
  | { readonly do: 'open'; readonly ratePerSecond: number; readonly durationMs: number }
  | { readonly do: 'closed'; readonly connections: number; readonly durationMs: number }
);

export type Answer = Load | { readonly firstByteMs: number } | { readonly error: string };

const timeoutMs = 20_000;
// HTTP/1.0: the server closes, and so the program is done with us when we say that we are.
const requestTo = (host: string): string => `GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`;

async function obey(order: Order): Promise<Answer> {
  const asks = order.targets.map(({ port, host = 'bench', speech }) => {
    const wanted = speech && Buffer.from(speech.answer, 'base64').toString('latin1');
    const problem = wanted === undefined ? httpProblem : (head: string) => (head.startsWith(wanted) ? null : 'answered something else');
    return { address: { host: '127.0.0.1', port }, request: speech ? Buffer.from(speech.request, 'base64') : requestTo(host), problem, timeoutMs };
  });
  const send = async (index: number): Promise<number> => {
    const next = asks[index % asks.length];
    if (next === undefined) throw new Error('Expected somebody to ask, got nobody');
    return ask(next);
  };
  switch (order.do) {
    case 'ask': return { firstByteMs: await send(0) };
    case 'burst': return burst(send, asks.length);
    case 'open': return openLoop(send, order);
    case 'closed': return closedLoop(send, order);
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  void obey(JSON.parse(line) as Order)
    .catch((error: Error): Answer => ({ error: error.message }))
    .then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
});
