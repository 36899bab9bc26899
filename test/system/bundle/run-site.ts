/**
 * Runs in the box: prepares a site, runs its container to the end, and prints what happened as JSON.
 *
 *   node run-site.cjs STATE_DIR '{"site":{…},"notifyShutdown":false,"descriptors":0}'
 */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { preparedDir, type Paths } from '../../../src/base/paths.ts';
import type { Site } from '../../../src/base/site.ts';
import { prepareBundle, seccompSocketPath } from '../../../src/runtime/prepare.ts';

export interface RunRequest {
  readonly site: Site;
  readonly notifyShutdown: boolean;
  /** How many descriptors the program gets from 3 on. */
  readonly descriptors: number;
}

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What crun said when it handed over the notify descriptor; empty when it did not. */
  readonly notification: string;
}

async function main([stateDir = '', request = '']: readonly string[]): Promise<RunResult> {
  const { site, notifyShutdown, descriptors } = JSON.parse(request) as RunRequest;
  const paths: Paths = { siteDirs: [], stateDir, runtimeDir: `${stateDir}/run`, controlPath: `${stateDir}/control.sock` };

  prepareBundle(site, paths, { sources: [], warnings: [], notifyShutdown });
  mkdirSync(paths.runtimeDir, { recursive: true });
  rmSync(seccompSocketPath(paths), { force: true });
  // Reading drops the descriptor, so every notified call in the container ends with ENOSYS: that is how the test sees them.
  let notification = '';
  const server = createServer((socket) => { socket.setEncoding('utf8').on('data', (data) => { notification += String(data); }); });
  await new Promise<void>((resolve) => { server.listen(seccompSocketPath(paths), resolve); });

  const extra = Array.from({ length: descriptors }, () => openSync('/dev/zero', 'r'));
  const child = spawn('crun', ['--cgroup-manager=disabled', `--root=${stateDir}/crun`, 'run', `--bundle=${preparedDir(paths, site.name)}`, site.name], {
    stdio: ['ignore', 'pipe', 'pipe', ...extra], env: { PATH: process.env['PATH'], ...descriptors > 0 ? { LISTEN_FDS: String(descriptors) } : {} },
  });
  const exited = new Promise<number | null>((resolve) => { child.once('exit', resolve); });
  const [stdout, stderr, code] = await Promise.all([child.stdout ? text(child.stdout) : '', child.stderr ? text(child.stderr) : '', exited]);
  server.close();
  return { code, stdout, stderr, notification };
}

void main(process.argv.slice(2)).then((result) => console.log(JSON.stringify(result)));
