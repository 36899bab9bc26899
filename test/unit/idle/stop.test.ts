import { once } from 'node:events';
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { freezeMsMax } from '../../../src/base/limits.ts';
import { pidfdOpen } from '../../../src/linux/pidfd.ts';
import { beginStop, catchesSignal, killNow, signalNumber, type StopParts } from '../../../src/idle/stop.ts';
import { closedAfterTest, line, python } from '../sockets/kit.ts';

const TERM = constants.signals.SIGTERM;
const activity = { waiting: 0, halfOpen: 0, established: 0, unreadMs: Infinity, quietMs: Infinity };
const catching = 'import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: (print("caught", flush=True), sys.exit(7)))\nprint("ready", flush=True)\nsys.stdin.read()';
const defaulting = 'import sys\nprint("ready", flush=True)\nsys.stdin.read()';
const blocking = 'import signal, sys\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\nprint("ready", flush=True)\nsys.exit(signal.sigwait([signal.SIGTERM]))';

type Process = ReturnType<typeof python>;

async function running(code: string): Promise<Process> {
  const child = python(code);
  expect(await line(child)).toBe('ready');
  return child;
}

interface Recorded {
  readonly parts: StopParts;
  readonly steps: string[];
}

/** Real signals to a real process; everything else is written down. */
function stopOf(child: Process, changes: Partial<Omit<StopParts, 'cgroup'>> & { cgroup?: Partial<NonNullable<StopParts['cgroup']>> | null } = {}): Recorded {
  const steps: string[] = [];
  const { cgroup, ...others } = changes;
  const parts: StopParts = {
    pid: child.pid ?? 0,
    pidfd: closedAfterTest(pidfdOpen(child.pid ?? 0) ?? -1),
    hold: () => steps.push('hold'),
    unhold: () => steps.push('unhold'),
    look: () => {
      steps.push('look');
      return activity;
    },
    quiet: () => true,
    committed: () => steps.push('committed'),
    ...others,
    cgroup: cgroup === null ? null : {
      freeze: () => {
        steps.push('freeze');
        return Promise.resolve(true);
      },
      thaw: () => steps.push('thaw'),
      kill: () => steps.push('kill'),
      ...cgroup,
    },
  };
  return { parts, steps };
}

describe('nobody is there', () => {
  test('held, frozen, looked at, then signalled and thawed', async () => {
    const child = await running(catching);
    const { parts, steps } = stopOf(child);
    const caught = line(child);
    const exited = once(child, 'exit');
    expect(await beginStop(parts, 'TERM')).toBe('signalled');
    expect(steps).toEqual(['hold', 'freeze', 'look', 'committed', 'thaw']);
    expect(await caught).toBe('caught');
    expect(await exited).toEqual([7, null]);
  });

  test('a program that waits for its signal with sigwait gets it', async () => {
    const child = await running(blocking);
    const exited = once(child, 'exit');
    expect(await beginStop(stopOf(child).parts, 'TERM')).toBe('signalled');
    expect(await exited).toEqual([TERM, null]);
  });

  test('one that would never see the signal is killed frozen; nobody is held for it', async () => {
    const child = await running(defaulting);
    const { parts, steps } = stopOf(child);
    const exited = once(child, 'exit');
    expect(await beginStop(parts, 'TERM')).toBe('killed');
    expect(steps).toEqual(['freeze', 'look', 'committed', 'kill']);
    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  test('where nothing can be frozen, clients are held even from one that is killed', async () => {
    const child = await running(defaulting);
    const { parts, steps } = stopOf(child, { cgroup: null });
    const exited = once(child, 'exit');
    expect(await beginStop(parts, 'TERM')).toBe('killed');
    expect(steps).toEqual(['hold', 'look', 'committed']);
    await exited;
  });
});

describe('it is as if nothing had been', () => {
  const undone = ['hold', 'freeze', 'look', 'thaw', 'unhold'];

  test('somebody is there after all', async () => {
    const { parts, steps } = stopOf(await running(catching), { quiet: () => false });
    expect(await beginStop(parts, 'TERM')).toBe('inUse');
    expect(steps).toEqual(undone);
  });

  test('it has ended by itself', async () => {
    const { parts, steps } = stopOf(await running(catching), { cgroup: { freeze: () => Promise.resolve(false) } });
    expect(await beginStop(parts, 'TERM')).toBe('inUse');
    expect(steps).toEqual(['hold', 'thaw', 'unhold']);
  });

  test('the last look fails: not frozen, not deaf', async () => {
    const { parts, steps } = stopOf(await running(catching), { quiet: () => { throw new Error('no descriptors left'); } });
    await expect(beginStop(parts, 'TERM')).rejects.toThrow('no descriptors left');
    expect(steps).toEqual(undone);
  });

  test('holding fails in the middle', async () => {
    const { parts, steps } = stopOf(await running(catching), { hold: () => { throw new Error('read-only'); } });
    await expect(beginStop(parts, 'TERM')).rejects.toThrow('read-only');
    expect(steps).toEqual(['thaw', 'unhold']);
  });

  test('a program that cannot be frozen holds its clients up no longer than the limit', async () => {
    const { parts, steps } = stopOf(await running(catching), { cgroup: { freeze: () => new Promise<boolean>(() => {}) } });
    expect(await beginStop(parts, 'TERM')).toBe('inUse');
    expect(steps).toEqual(['hold', 'thaw', 'unhold']);
  }, freezeMsMax + 5_000);
});

test('killing takes the process and its cgroup', async () => {
  const child = await running(catching);
  const { parts, steps } = stopOf(child);
  const exited = once(child, 'exit');
  killNow(parts);
  expect(steps).toEqual(['kill']);
  expect(await exited).toEqual([null, 'SIGKILL']);
  killNow(parts);
});

describe('a signal is seen', () => {
  test.each([[catching, true], [defaulting, false], [blocking, true]])('by a program', async (code, seen) => {
    expect(catchesSignal((await running(code)).pid ?? 0, TERM)).toBe(seen);
  });

  test('only the one that it catches', async () => {
    expect(catchesSignal((await running(catching)).pid ?? 0, constants.signals.SIGHUP)).toBe(false);
  });

  test('a real-time signal', async () => {
    const child = await running('import signal, sys\nsignal.signal(signal.SIGRTMIN + 3, lambda *_: None)\nprint("ready", flush=True)\nsys.stdin.read()');
    expect(catchesSignal(child.pid ?? 0, signalNumber('RTMIN+3'))).toBe(true);
    expect(catchesSignal(child.pid ?? 0, signalNumber('RTMIN+4'))).toBe(false);
  });

  test('not by who is gone', async () => {
    const child = await running(catching);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    expect(catchesSignal(child.pid ?? 0, TERM)).toBe(false);
  });
});

test.each([
  ['TERM', 15], ['SIGTERM', 15], ['sigterm', 15], ['15', 15], ['QUIT', 3], ['WINCH', 28], ['RTMIN', 34], ['RTMIN+3', 37], ['SIGRTMIN+3', 37], ['nonsense', 15],
])('%s is signal %i', (name, number) => {
  expect(signalNumber(name)).toBe(number);
});
