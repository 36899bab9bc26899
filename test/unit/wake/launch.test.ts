import { getEventListeners } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EPOLLIN } from '../../../src/linux/epoll.ts';
import { Crun } from '../../../src/runtime/crun.ts';
import { Output } from '../../../src/runtime/output.ts';
import { launch, type LaunchParts, type LaunchPlaces } from '../../../src/wake/launch.ts';
import { WakesockError } from '../../../src/base/errors.ts';
import type { Site } from '../../../src/base/site.ts';
import { closedAfterTest, deferred, listening, temporaryDirectory, testPoller } from '../sockets/kit.ts';
import { pidfdOpen, pidfdSignal } from '../../../src/linux/pidfd.ts';

/** What it does of crun: reads its configuration twice, in one process, says what it was given, writes the process number. */
const fakeCrun = `#!/bin/sh
for word in "$@"; do
  case "$word" in
    --root=*) root="\${word#--root=}";;
    --config=*) config="\${word#--config=}";;
    --pid-file=*) pidfile="\${word#--pid-file=}";;
    delete) rm -rf "$root/blog"; echo deleted >> "$root/../log"; exit 0;;
  esac
done
[ -d "$root/blog" ] && { echo "container exists" >&2; exit 1; }
echo "crun waits" >&2
read -r first < "$config"
read -r second < "$config"
[ "$first" = "$second" ] && [ -n "$first" ] || { echo "no configuration" >&2; exit 1; }
case "$first" in *fails*) echo "it fails" >&2; exit 3;; esac
mkdir "$root/blog"
echo "program says $first"
echo "LISTEN_FDS=$LISTEN_FDS"
printf 4711 > "$pidfile"
`;

interface Stage {
  readonly steps: string[];
  readonly lines: string[];
  readonly output: Output;
  readonly places: LaunchPlaces;
  launch(parts?: Partial<LaunchParts>, listenFds?: readonly number[]): Promise<number>;
}

function stage(config = '{"config":1}'): Stage {
  const directory = temporaryDirectory();
  for (const name of ['crun', 'bundle']) mkdirSync(`${directory}/${name}`);
  writeFileSync(`${directory}/fake-crun`, fakeCrun);
  chmodSync(`${directory}/fake-crun`, 0o755);
  writeFileSync(`${directory}/bundle/config.json`, config);
  const steps: string[] = [];
  const lines: string[] = [];
  const output = new Output();
  const poller = testPoller();
  const places = { bundle: `${directory}/bundle`, runtime: `${directory}/runtime`, rootMount: null, network: null, secrets: null };
  return {
    steps, lines, output, places,
    launch: (parts = {}, listenFds = []) => launch({ name: 'blog' } as Site, places, listenFds, {
      crun: new Crun(poller, `${directory}/crun`, `${directory}/fake-crun`),
      startScope: (_, pid) => {
        steps.push(`scope for ${existsSync(`/proc/${pid}`) ? 'a process' : 'nothing'}`);
        return Promise.resolve();
      },
      signal: new AbortController().signal,
      ...parts,
    }, {
      process: ({ stdout, stderr }) => {
        steps.push('process');
        output.follow(poller, stdout, 'stdout', (_, line) => lines.push(line));
        output.follow(poller, stderr, 'stderr', (_, line) => lines.push(`! ${line}`));
      },
      scope: () => steps.push('scope'),
      started: () => steps.push('started'),
    }),
  };
}

test('process → scope → go, with its output', async () => {
  const on = stage();
  expect(await on.launch()).toBe(4711);
  expect(on.steps).toEqual(['process', 'scope for a process', 'scope', 'started']);
  await on.output.ended();
  expect(on.lines.toSorted()).toEqual(['! crun waits', 'LISTEN_FDS=', 'program says {"config":1}']);
});

test('crun is given nothing before the scope is there', async () => {
  const on = stage();
  const [atScope, answer] = [deferred(), deferred()];
  const launched = on.launch({ startScope: () => {
    atScope.resolve();
    return answer.promise;
  } });
  await atScope.promise;
  expect(on.steps).toEqual(['process']);
  answer.resolve();
  await launched;
  expect(on.steps).toEqual(['process', 'scope', 'started']);
});

test('sockets for a program that takes them', async () => {
  const on = stage();
  await on.launch({}, [listening().fd, listening().fd]);
  await on.output.ended();
  expect(on.lines).toContain('LISTEN_FDS=2');
});

test('without systemd there is no scope', async () => {
  const on = stage();
  expect(await on.launch({ startScope: null })).toBe(4711);
});

test('what an earlier activator left under the name is removed first', async () => {
  const on = stage();
  await on.launch();
  expect(await on.launch()).toBe(4711);
  expect(readFileSync(`${on.places.runtime}/../log`, 'utf8')).toBe('deleted\n');
});

describe('it fails', () => {
  test('in crun: named, with its output to the end', async () => {
    const on = stage('fails');
    await expect(on.launch()).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_RUNTIME', message: 'crun ended with status 3 (as an errno: ESRCH, no such process)' }));
    await on.output.ended();
    expect(on.lines).toContain('! it fails');
    expect(on.steps).not.toContain('started');
  });

  test('in crun, while systemd has not answered', async () => {
    const on = stage();
    let pid = 0;
    const launched = on.launch({ startScope: (_, started) => {
      pid = started;
      process.kill(started, 'SIGKILL');
      return new Promise<void>(() => {});
    } });
    await expect(launched).rejects.toThrow('crun ended with SIGKILL');
    expect(pidfdOpen(pid)).toBeNull();
  });

  test('in the scope: crun ends with it', async () => {
    const on = stage();
    const ended = endOfProcess();
    const refused = new WakesockError('ERR_WAKESOCK_SCOPE', 'systemd refused');
    await expect(on.launch({ startScope: (_, pid) => {
      ended.watch(pid);
      return Promise.reject(refused);
    } })).rejects.toBe(refused);
    await ended.promise;
    await on.output.ended();
    expect(on.lines.filter((line) => line.startsWith('program'))).toEqual([]);
  });

  test('with no crun', async () => {
    const on = stage();
    await expect(on.launch({ crun: new Crun(testPoller(), on.places.runtime, '/nonexistent/crun') })).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_RUNTIME' }));
    await on.output.ended();
  });

  test('given up before it began: no crun is started', async () => {
    const on = stage();
    const abort = new AbortController();
    abort.abort();
    await expect(on.launch({ signal: abort.signal })).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(on.steps).toEqual([]);
  });

  test('given up while what was left under the name is removed: no crun is started', async () => {
    const on = stage();
    await on.launch();
    const abort = new AbortController();
    const launched = on.launch({ signal: abort.signal });
    abort.abort();
    await expect(launched).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(on.steps).toEqual(['process', 'scope for a process', 'scope', 'started']);
  });

  test('with a crun that cannot be spawned at all: no descriptor is left', async () => {
    const on = stage();
    const refused = new Error('spawn E2BIG');
    class Refusing extends Crun {
      override run(): never {
        throw refused;
      }
    }
    const before = openFds();
    await expect(on.launch({ crun: new Refusing(testPoller(), `${on.places.runtime}/..`, '/bin/true') })).rejects.toBe(refused);
    expect(openFds()).toBe(before);
  });

  test('or does not: nobody listens for the end of an attempt that is over', async () => {
    const signal = new AbortController().signal;
    await stage().launch({ signal });
    await expect(stage('fails').launch({ signal })).rejects.toThrow('status 3');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('taken too long: crun is killed', async () => {
    const on = stage();
    const abort = new AbortController();
    await expect(on.launch({ signal: abort.signal, startScope: () => {
      abort.abort();
      return new Promise<void>(() => {});
    } })).rejects.toThrow(`crun ended with SIGKILL`);
    await on.output.ended();
  });
});

const openFds = (): number => readdirSync('/proc/self/fd').length;

/** Tells when a process has ended. */
function endOfProcess(): { promise: Promise<void>; watch: (pid: number) => void } {
  const { promise, resolve } = deferred();
  return {
    promise,
    watch: (pid) => {
      const pidfd = closedAfterTest(pidfdOpen(pid) ?? -1);
      onTestFinished(() => void pidfdSignal(pidfd, constants.signals.SIGKILL));
      const watch = testPoller().watch(pidfd, EPOLLIN, () => {
        watch.end();
        resolve();
      });
    },
  };
}
