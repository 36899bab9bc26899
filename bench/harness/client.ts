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

interface Asked {
  /** Taken in turn. */
  readonly ports: readonly number[];
  readonly speech?: Speech | undefined;
  /** Whom it asks for. Default: `bench`. */
  readonly host?: string | undefined;
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
  const { ports, speech, host = 'bench' } = order;
  const wanted = speech && Buffer.from(speech.answer, 'base64').toString('latin1');
  const problem = wanted === undefined ? httpProblem : (head: string) => (head.startsWith(wanted) ? null : 'answered something else');
  const sent = speech ? Buffer.from(speech.request, 'base64') : requestTo(host);
  const send = (index: number): Promise<number> =>
    ask({ address: { host: '127.0.0.1', port: ports[index % ports.length] ?? 0 }, request: sent, problem, timeoutMs });
  switch (order.do) {
    case 'ask': return { firstByteMs: await send(0) };
    case 'burst': return burst(send, ports.length);
    case 'open': return openLoop(send, order);
    case 'closed': return closedLoop(send, order);
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  void obey(JSON.parse(line) as Order)
    .catch((error: Error): Answer => ({ error: error.message }))
    .then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
});
