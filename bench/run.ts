/**
 * A run, where systemd is: in the box. `node bench-run.mjs OPTIONS-AS-JSON` prints one event a line (types.ts) and leaves
 * the system as it found it.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { createManager } from '../src/systemd/manager.ts';
import { BenchClient } from './harness/client-process.ts';
import { Wakesock } from './harness/wakesock.ts';
import { scenarios } from './scenarios/index.ts';
import { type Bench, noFigures, type RunEvent, type RunOptions } from './types.ts';

/** Not /tmp: a container's root on a tmpfs would not be what people have. */
const directory = '/var/lib/wakesock-bench';
/** Below the range that the kernel takes ports of clients from. */
const portFirst = 20_000;

function emit(event: RunEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function main(options: RunOptions): Promise<void> {
  const chosen = scenarios.filter(({ name }) => options.scenarios.includes(name));
  const total = chosen.reduce((sum, scenario) => sum + scenario.steps(options), 0);
  let done = 0;
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { interrupted = true; });
  let port = portFirst;
  const manager = createManager();
  const wakesock = new Wakesock(options.checkout, manager, port);
  const client = new BenchClient(`${options.checkout}/.cache/bench-client.mjs`);
  const bench: Bench = {
    options, wakesock, manager, client, directory,
    report: (result) => emit({ type: 'result', result: { ...noFigures, ...result } }),
    step(what) {
      if (interrupted) throw new Error('interrupted');
      emit({ type: 'progress', done: (done += 1), total, what });
    },
    nextPort: () => (port += 1),
  };
  mkdirSync(directory, { recursive: true });
  try {
    for (const scenario of chosen) {
      const startMs = performance.now();
      await scenario.run(bench);
      emit({ type: 'took', scenario: scenario.name, ms: performance.now() - startMs });
    }
  } finally {
    await client.end();
    await wakesock.remove();
    manager.close();
    rmSync(directory, { recursive: true });
  }
}

await main(JSON.parse(process.argv[2] ?? '{}') as RunOptions);
