/** What people would have without wakesock: a launcher that runs `podman start` or `podman run` when a client waits. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LineProcess } from '../harness/line-process.ts';
import { podman, podmanArguments } from '../programs/image.ts';
import type { Bench, Program, Running, Subject } from '../types.ts';

const run = promisify(execFile);

/** No network and no cgroup of its own, which only makes it quicker; limits that need no privilege. */
const lean = ['--network=none', '--cgroups=disabled', '--ulimit=nofile=1024:1024', '--ulimit=nproc=1000:1000', '--log-driver=none', '--env=LISTEN_FDS=1', '--env=LISTEN_PID=1'];
let containers = 0;

/** `podman start` of a container that is there. */
export const podmanStart: Subject = {
  name: 'podman start',
  start: (program, bench) => start(program, bench, async (name, args) => {
    await run(podman(), ['create', `--name=${name}`, ...lean, ...args]);
    return { wake: ['start', name], sleep: ['stop', '--time=0', name] };
  }),
};

/** `podman run` of a container that is made for it. */
export const podmanRun: Subject = {
  name: 'podman run',
  start: (program, bench) => start(program, bench, async (name, args) => (
    { wake: ['run', '--detach', `--name=${name}`, ...lean, ...args], sleep: ['rm', '--force', '--time=0', name] }
  )),
};

type Commands = Readonly<Record<'wake' | 'sleep', readonly string[]>>;

async function start(program: Program, bench: Bench, make: (name: string, args: readonly string[]) => Promise<Commands>): Promise<Running> {
  const name = `wakesock-bench-${containers += 1}`;
  const command = podman();
  const { wake, sleep } = await make(name, podmanArguments(program, bench));
  const port = bench.nextPort();
  const launcher = new LineProcess('perl', [
    `${bench.options.checkout}/bench/subjects/launcher.pl`, String(port), '', 'none', '', command, ...wake, '--', command, ...sleep,
  ]);
  await launcher.expect('ready');
  return {
    port,
    async sleep() {
      launcher.send('sleep');
      await launcher.expect('dormant');
      return {};
    },
    async stop() {
      await launcher.end();
      await run(command, ['rm', '--force', '--ignore', name]);
    },
  };
}
