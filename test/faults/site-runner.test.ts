/** A site runner without systemd, with a stand-in for crun that starts programs as they are: what it does when its parts fail. */
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { RunnerParts } from '../../src/activator/parts.ts';
import { processIdentity, writeRuntimeState, type RuntimeState } from '../../src/activator/runtime-state.ts';
import { SiteRunner } from '../../src/activator/site-runner.ts';
import type { WakesockError } from '../../src/base/errors.ts';
import type { LogFields } from '../../src/base/log.ts';
import { preparedDir, runtimeSiteDir, type Paths } from '../../src/base/paths.ts';
import type { PreparedSite, Site } from '../../src/base/site.ts';
import { CameAndWent } from '../../src/idle/came-and-went.ts';
import { Crun } from '../../src/runtime/crun.ts';
import { queueOf } from '../../src/sockets/baseline.ts';
import { client, line, listening, python, temporaryDirectory, testPoller } from '../unit/sockets/kit.ts';
import type { Listener } from '../../src/sockets/listener.ts';

/** `config.json` is the program, as a shell script. With `dies` in it crun is killed between starting it and telling its number. */
const fakeCrun = `#!/bin/sh
for word in "$@"; do
  case "$word" in
    --root=*) root="\${word#--root=}";;
    --config=*) config="\${word#--config=}";;
    --pid-file=*) pidfile="\${word#--pid-file=}";;
  esac
  id="$word"
done
case " $* " in
  *" delete "*) kill -9 $(cat "$root/$id/pid"); rm -rf "$root/$id"; exit 0;;
esac
mkdir "$root/$id" || exit 1
cat "$config" > "$root/$id/script"
sh "$root/$id/script" &
echo $! > "$root/$id/pid"
grep -q dies "$root/$id/script" && kill -9 $$
echo $! > "$pidfile"
`;

/** Echoes what it reads, line by line, and ends on SIGTERM. */
const echo = `exec python3 -c '
import signal, socket, sys, threading
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
listener = socket.socket(fileno=3)
listener.setblocking(True)
def serve(connection):
    for line in connection.makefile("rb"):
        connection.sendall(line)
    connection.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
'`;

const site = { name: 'blog', description: 'Blog', handoff: 'listen-fds', listen: [], ports: [], hosts: [], idleMs: 60_000, startTimeoutMs: 20_000, stopTimeoutMs: 10_000, stopSignal: 'TERM', mounts: [], secrets: [], credentials: [], resources: [] } as unknown as Site;

interface Stage {
  readonly runner: SiteRunner;
  readonly listener: Listener;
  readonly crun: Crun;
  readonly paths: Paths;
  readonly logged: string[];
  readonly inState: (name: string) => Promise<number>;
}

interface Setting {
  readonly program?: string;
  readonly changes?: Partial<Site>;
  readonly parts?: Partial<RunnerParts>;
  /** What an earlier activator noted, of this socket, and the notify descriptor that it stored. */
  readonly left?: RuntimeState | ((listener: Listener) => RuntimeState) | null;
  readonly notify?: number | null;
}

function stage({ program = echo, changes = {}, parts = {}, left = null, notify = null }: Setting = {}): Stage {
  const directory = temporaryDirectory();
  const paths: Paths = { siteDirs: [], stateDir: `${directory}/state`, runtimeDir: `${directory}/run`, controlPath: `${directory}/control` };
  mkdirSync(preparedDir(paths, 'blog'), { recursive: true });
  mkdirSync(`${directory}/run/crun`, { recursive: true });
  writeFileSync(`${preparedDir(paths, 'blog')}/config.json`, program);
  writeFileSync(`${directory}/crun`, fakeCrun);
  chmodSync(`${directory}/crun`, 0o755);
  const prepared = { version: 1, site: { ...site, ...changes }, sources: [], uid: 0, gid: 0, warnings: [] } as PreparedSite;
  const logged: string[] = [];
  const write = (message: string, fields?: LogFields): void => void logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const waiters = new Set<() => void>();
  const poller = testPoller();
  const crun = new Crun(poller, `${directory}/run/crun`, `${directory}/crun`);
  const listener = listening();
  if (left) writeRuntimeState(paths, 'blog', typeof left === 'function' ? left(listener) : left);
  const runner = new SiteRunner('blog', [listener], {
    paths, poller, crun, manager: null, gracePeriod: null, sliceDir: null, oomKills: null, cameAndWent: new CameAndWent(poller),
    fdStore: { keep: () => {}, drop: () => {} },
    log: { trace: write, debug: write, info: write, warn: write, error: write, open: () => Promise.resolve(), close: () => Promise.resolve() },
    now: () => performance.now(), lines: () => (_, line) => logged.push(line),
    prepared: () => Promise.resolve(prepared), preparedNow: () => prepared, prepareAgain: () => {}, whyNot: () => Promise.resolve(null),
    changed: () => { for (const waiter of waiters) waiter(); },
    ...parts,
  });
  onTestFinished(async () => {
    await runner.sleep(true).catch(() => {});
    runner.sockets.disarm();
  });
  runner.begin({ notify, stdout: null, stderr: null, spares: new Map(), closeContainer: () => {} });
  return {
    runner, listener, crun, paths, logged,
    /** Resolves with the time at which it was seen there. */
    inState: (name) => new Promise((resolve) => {
      const look = (): void => {
        if (runner.status().state !== name) return;
        waiters.delete(look);
        resolve(performance.now());
      };
      waiters.add(look);
      look();
    }),
  };
}

async function ask(socket: Socket, line: string): Promise<string> {
  socket.write(`${line}\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString().trim();
}

const alive = (pid: number): boolean => existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');

test('one whole life on this stage', async () => {
  const { runner, listener, inState } = stage();
  expect(await ask(client(listener), 'hello')).toBe('hello');
  await inState('awake');
  await runner.sleep(true);
  await inState('dormant');
});

test('crun is killed between starting the program and telling its number: the program is ended, the site has failed by name', async () => {
  const { runner, crun, paths } = stage({ program: `${echo.replace('exec', '# dies\nexec')}` });
  await expect(runner.wake('test')).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_RUNTIME', message: expect.stringContaining('SIGKILL') }));
  expect(runner.status().state).toBe('failed');
  expect(crun.knows('blog')).toBe(false);
  expect(existsSync(runtimeSiteDir(paths, 'blog'))).toBe(false);
});

test('crun is killed like that, and nothing can be started to clear it away: the site has failed all the same', async () => {
  const { runner, crun } = stage({ program: `${echo.replace('exec', '# dies\nexec')}` });
  const deleted = vi.spyOn(crun, 'delete');
  const awake = runner.wake('test');
  // The first is that of the start itself.
  deleted.mockImplementationOnce(() => Promise.resolve()).mockRejectedValueOnce(new Error('EAGAIN'));
  await expect(awake).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_RUNTIME', message: expect.stringContaining('SIGKILL') }));
  expect(runner.status().state).toBe('failed');
});

test('a taken-over site whose client waits at that moment is no wake that anybody would wait for, nor a reason to stay', async () => {
  const left = python('print("ready", flush=True)\nwhile True: __import__("signal").pause()');
  await line(left);
  const { runner, inState } = stage({
    left: ({ inode }) => ({
      version: 1, process: processIdentity(left.pid ?? 0), listening: true, listened: [inode], stopping: false, toldMs: null,
      lastActiveMs: Date.now(), baselines: [], served: [inode], statusFlags: [],
    }),
  });
  await inState('awake');
  await runner.nextWake();
  await runner.sleep(true);
  expect(runner.quiet).toBe(true);
});

test('a step of clearing away that fails keeps none of the others from being done', async () => {
  const { runner, crun, paths, logged, inState } = stage({ parts: { fdStore: { keep: () => {}, drop: (name) => { throw new Error(`no ${name}`); } } } });
  await runner.wake('test');
  const pid = Number(readFileSync(`${paths.runtimeDir}/crun/blog/pid`, 'utf8'));
  await runner.sleep(true);
  await inState('dormant');
  expect(logged.filter((line) => line.startsWith('Clearing away'))).toHaveLength(3);
  expect(alive(pid)).toBe(false);
  expect(crun.knows('blog')).toBe(false);
  expect(existsSync(runtimeSiteDir(paths, 'blog'))).toBe(false);
  await runner.wake('test');
});

test('sleep by force while a stop is tried that finds the site in use: that one is busy, this one takes effect', async () => {
  const { runner, listener, inState } = stage();
  expect(await ask(client(listener), 'hello')).toBe('hello');
  await inState('awake');
  const outcomes = await Promise.all([runner.sleep(false), runner.sleep(true), runner.sleep(false)].map((asked) => asked.then(() => 'asleep', ({ code }: WakesockError) => code)));
  expect(outcomes).toEqual(['ERR_WAKESOCK_BUSY', 'asleep', 'ERR_WAKESOCK_BUSY']);
  await inState('dormant');
});

test('sleep by force while it wakes takes effect once it is awake, whoever waits', async () => {
  const { runner, listener, inState } = stage();
  const socket = client(listener);
  await inState('waking');
  await runner.sleep(true);
  // Who waited has woken it again, or was being served and is closed.
  await Promise.race([inState('awake'), once(socket, 'close')]);
});

test('an activator that ends begins nothing any more, and turns nobody away', async () => {
  const { runner, listener, crun } = stage();
  runner.retire(false);
  const socket = client(listener);
  await once(socket, 'connect');
  await expect(runner.wake('test')).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_NOT_RUNNING' }));
  expect(runner.status().state).toBe('dormant');
  expect(queueOf(listener)?.waiting).toBe(1);
  expect(crun.knows('blog')).toBe(false);
});

test('an activator that ends right after it was to stop a site holds nobody: there would be nobody to let them go', async () => {
  const { runner, crun } = stage();
  await runner.wake('test');
  const hold = vi.spyOn(runner.sockets, 'hold');
  const asleep = runner.sleep(true);
  runner.retire(false);
  await expect(asleep).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_NOT_RUNNING' }));
  // Whatever it still had begun is over with this turn.
  await new Promise((resolve) => { setImmediate(resolve); });
  expect(hold).not.toHaveBeenCalled();
  await crun.delete('blog');
});

test('a program that listened while the activator ended, which noted that and did nothing more, is awake for the next one', async () => {
  const left = python('print("ready", flush=True)\nwhile True: __import__("signal").pause()');
  await line(left);
  const { inState } = stage({
    changes: { handoff: 'adopt', ports: [{ kind: 'tcp', port: 3000 }] as unknown as Site['ports'] },
    // Like a notify descriptor on which no call of the program waits.
    notify: listening().fd,
    left: ({ inode }) => ({
      version: 1, process: processIdentity(left.pid ?? 0), listening: false, listened: [inode], stopping: false, toldMs: null,
      lastActiveMs: Date.now(), baselines: [], served: [inode], statusFlags: [],
    }),
  });
  await inState('awake');
});

test('IdleSec= is a minimum, counted from the last client that came and went', async () => {
  const idleMs = 400;
  const { listener, inState } = stage({ changes: { idleMs } });
  await inState('dormant');
  const asleep = async (): Promise<number> => {
    await inState('awake');
    return inState('dormant');
  };
  const slept = asleep();
  const clients: { fromMs: number; toMs: number }[] = [];
  const comeAndGo = async (): Promise<number> => {
    const socket = client(listener);
    const fromMs = performance.now();
    await ask(socket, 'hello');
    clients.push({ fromMs, toMs: performance.now() });
    socket.resetAndDestroy();
    await once(socket, 'close');
    return fromMs;
  };
  // The first is heard, the others while it is deaf for a quarter of the idle time.
  for (const from = await comeAndGo(); performance.now() - from < idleMs / 8; ) await comeAndGo();
  const sleptMs = await slept;
  // On a busy machine it may have slept before the others came.
  const lastMs = Math.max(...clients.filter(({ toMs }) => toMs < sleptMs).map(({ fromMs }) => fromMs));
  expect(sleptMs - lastMs).toBeGreaterThanOrEqual(idleMs);
});

test('TimeoutStartSec= of a program that was handed its socket: one that has a client is not ended for another who waits', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const oneByOne = echo.replace('threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()', 'serve(listener.accept()[0])');
  const { listener, inState } = stage({ program: oneByOne });
  const first = client(listener);
  expect(await ask(first, 'hello')).toBe('hello');
  await inState('awake');
  const second = client(listener);
  const answered = ask(second, 'me too');
  await once(second, 'connect');
  vi.advanceTimersByTime(site.startTimeoutMs);
  expect(await ask(first, 'still')).toBe('still');
  first.end();
  expect(await answered).toBe('me too');
});

test('TimeoutStopSec= runs from when the program was told, however many activators it takes', async () => {
  const stubborn = python('import signal\nsignal.signal(signal.SIGTERM, lambda *_: None)\nprint("ready", flush=True)\nwhile True: signal.pause()');
  await line(stubborn);
  const ended = once(stubborn, 'exit');
  const stopTimeoutMs = 60_000;
  const { inState } = stage({ changes: { stopTimeoutMs }, left: {
    version: 1, process: processIdentity(stubborn.pid ?? 0), listening: true, stopping: true, toldMs: Date.now() - stopTimeoutMs + 200,
    lastActiveMs: Date.now(), baselines: [], served: [], statusFlags: [],
  } });
  expect(await ended).toEqual([null, 'SIGKILL']);
  await inState('dormant');
});

test('what cannot be taken over is ended, and the next client is served by a new one', async () => {
  const left = python('print("ready", flush=True)\nwhile True: __import__("signal").pause()');
  await line(left);
  const ended = once(left, 'exit');
  let failures = 1;
  const { listener, logged, inState } = stage({
    parts: { lines: () => {
      if ((failures -= 1) >= 0) throw new Error('no sink');
      return () => {};
    } },
    left: { version: 1, process: processIdentity(left.pid ?? 0), listening: true, stopping: false, toldMs: null, lastActiveMs: Date.now(), baselines: [], served: [], statusFlags: [] },
  });
  expect(logged[0]).toContain('could not be taken over');
  expect(await ended).toEqual([null, 'SIGKILL']);
  await inState('dormant');
  expect(await ask(client(listener), 'hello')).toBe('hello');
});
