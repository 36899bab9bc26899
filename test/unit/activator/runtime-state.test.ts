import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { processIdentity, readRuntimeState, removeRuntimeState, writeRuntimeState, type RuntimeState } from '../../../src/activator/runtime-state.ts';
import { runtimeSiteDir, type Paths } from '../../../src/base/paths.ts';
import { line, python, temporaryDirectory } from '../sockets/kit.ts';

function paths(): Paths {
  const directory = temporaryDirectory();
  return { siteDirs: [], stateDir: `${directory}/state`, runtimeDir: `${directory}/run`, controlPath: `${directory}/control` };
}

const state: RuntimeState = {
  version: 1, process: { pid: 7, startTime: '123' }, listening: true, stopping: false, toldMs: null, lastActiveMs: 5, served: [7], statusFlags: [2050],
  baselines: [{ inode: 1, backlog: 2, statusFlags: 3, options: { SO_LINGER: '00' } }],
};

function withFile(content: string): Paths {
  const where = paths();
  mkdirSync(runtimeSiteDir(where, 'blog'), { recursive: true });
  writeFileSync(`${runtimeSiteDir(where, 'blog')}/state.json`, content);
  return where;
}

test('what was written is read, and the last counts', () => {
  const where = paths();
  writeRuntimeState(where, 'blog', { ...state, listening: false });
  writeRuntimeState(where, 'blog', state);
  expect(readRuntimeState(where, 'blog')).toEqual(state);
  expect(readdirSync(runtimeSiteDir(where, 'blog'))).toEqual(['state.json']);
});

test('removed, and removed again', () => {
  const where = paths();
  writeRuntimeState(where, 'blog', state);
  removeRuntimeState(where, 'blog');
  removeRuntimeState(where, 'blog');
  expect(readRuntimeState(where, 'blog')).toBeNull();
});

describe('nothing is known of', () => {
  test.each([
    ['an empty file', ''],
    ['one cut off', JSON.stringify(state).slice(0, 40)],
    ['binary garbage', '\0\0\0\0'],
    ['another version', JSON.stringify({ ...state, version: 2 })],
    ['no version', '{}'],
    ['a list', '[]'],
  ])('%s', (_, content) => {
    expect(readRuntimeState(withFile(content), 'blog')).toBeNull();
  });

  test('a site that was dormant', () => {
    expect(readRuntimeState(paths(), 'blog')).toBeNull();
  });
});

describe('a process', () => {
  test('is known again by its start', async () => {
    const child = python('import sys; print("ready", flush=True); sys.stdin.read()');
    await line(child);
    const identity = processIdentity(child.pid ?? 0);
    expect(identity).toEqual({ pid: child.pid, startTime: expect.stringMatching(/^\d+$/) });
    expect(processIdentity(child.pid ?? 0)).toEqual(identity);
  });

  test('with any name', async () => {
    const child = python('import sys; open("/proc/self/comm", "w").write(") R 1 (x"); print("ready", flush=True); sys.stdin.read()');
    const plain = python('import sys; print("ready", flush=True); sys.stdin.read()');
    await Promise.all([line(child), line(plain)]);
    const [odd, other] = [processIdentity(child.pid ?? 0), processIdentity(plain.pid ?? 0)];
    // Both were started within the same second or so: clock ticks since boot, not some other field.
    expect(Math.abs(Number(odd?.startTime) - Number(other?.startTime))).toBeLessThan(1000);
    expect(Number(odd?.startTime)).toBeGreaterThan(1000);
  });

  test('that is gone, or dead and not yet waited for, is none', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(processIdentity(child.pid ?? 0)).toBeNull();
    const parent = python('import os, time, sys\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\nprint(pid, flush=True)\nsys.stdin.read()');
    expect(processIdentity(Number(await line(parent)))).toBeNull();
  });
});
