/** wrk (Debian's package of the name), one thread: another client, to hold ours against, and the load of `relay`. */
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Unavailable } from '../types.ts';

const run = promisify(execFile);
const path = '/usr/bin/wrk';

export interface WrkLoad {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 2xx and 3xx, and connections that failed. */
  readonly errors: number;
}

export class Wrk {
  readonly #script: string;

  /** @throws {@link Unavailable} */
  constructor(directory: string) {
    if (!existsSync(path)) throw new Unavailable(`${path} is not installed`);
    this.#script = `${directory}/wrk.lua`;
    writeFileSync(this.#script, `done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nJSON {"requests":%d,"seconds":%.6f,"p50Ms":%.4f,"p99Ms":%.4f,"errors":%d}\\n', summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, e.connect + e.read + e.write + e.status + e.timeout))
end
`);
  }

  /** @param closing a connection for each request, as our own client has */
  async run(port: number, connections: number, seconds: number, host = 'bench', { closing = false }: { readonly closing?: boolean } = {}): Promise<WrkLoad> {
    const headers = [`Host: ${host}`, ...closing ? ['Connection: close'] : []].flatMap((header) => ['-H', header]);
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', this.#script, ...headers, `http://127.0.0.1:${port}/`];
    const { stdout } = await run(path, args);
    const json = /^JSON (.*)$/m.exec(stdout)?.[1];
    if (json === undefined) throw new Error(`Expected figures of wrk, got ${stdout}`);
    return JSON.parse(json) as WrkLoad;
  }
}
