import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { call, closeFd } from '../../../src/linux/libc.ts';
import { killAndWait, pidfdOpen } from '../../../src/linux/pidfd.ts';
import { exitedProcess, spawnProcess, type ProcessExit } from '../../../src/linux/spawn.ts';

const sh = (script: string, fds: readonly (number | null)[] = [null, null, null], env: Record<string, string> = {}): number => spawnProcess('/bin/sh', ['-c', script], env, fds);

/** Blocks until it has ended. */
function ended(pid: number): ProcessExit {
  const pidfd = pidfdOpen(pid);
  if (pidfd === null) throw new Error('no such process');
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(pidfd, 0);
  entry.writeInt16LE(1, 4);
  call('poll', entry, 1, 10_000);
  closeFd(pidfd);
  const exit = exitedProcess(pid);
  if (exit === null) throw new Error(`process ${pid} has not ended`);
  return exit;
}

function directory(): string {
  const made = mkdtempSync(`${tmpdir()}/wakesock-test-`);
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

/** What a script writes to its descriptor 1. */
function said(script: string, env: Record<string, string> = {}): string {
  const path = `${directory()}/said`;
  const fd = openSync(path, 'w');
  ended(sh(script, [null, fd, null], env));
  closeSync(fd);
  return readFileSync(path, 'utf8');
}

describe('how it ended', () => {
  test.each([0, 1, 127, 255])('status %i', (code) => expect(ended(sh(`exit ${code}`))).toEqual({ code, signal: null }));
  test.each(['TERM', 'KILL', 'ABRT'] as const)('SIG%s', (name) => expect(ended(sh(`ulimit -c 0; kill -${name} $$`))).toEqual({ code: null, signal: `SIG${name}` }));

  test('is not known while it runs, and once only', () => {
    const pid = sh('exec sleep 60');
    expect(exitedProcess(pid)).toBeNull();
    killAndWait(pid);
    expect(exitedProcess(pid)).toEqual({ code: null, signal: 'SIGKILL' });
    expect(exitedProcess(pid)).toEqual({ code: null, signal: null });
  });
});

test('arguments and environment are those and no others', () => {
  const path = `${directory()}/said`;
  const fd = openSync(path, 'w');
  ended(spawnProcess('/usr/bin/env', ['--', 'printenv', '-0'], { PATH: '/usr/bin:/bin', NAME: 'a value = 1\nä' }, [null, fd, null]));
  closeSync(fd);
  expect(readFileSync(path, 'utf8').split('\0').filter(Boolean).toSorted()).toEqual(['NAME=a value = 1\nä', 'PATH=/usr/bin:/bin']);
});

test.each([['/nonexistent', 'ENOENT'], ['/etc/passwd', 'EACCES'], ['/etc', 'EACCES']])('%s cannot be run: %s, and nothing is left', (program, errnoName) => {
  const before = readdirSync('/proc/self/fd').length;
  expect(() => spawnProcess(program, [], {}, [null, null, null])).toThrow(expect.objectContaining({ errnoName }));
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});

test('no signal is ignored or blocked, though Node ignores SIGPIPE', () => {
  expect(Number.parseInt(/^SigIgn:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '', 16) & 0x1000).toBe(0x1000);
  expect(said('exec cat /proc/self/status')).toMatch(/^SigBlk:\s*0+\nSigIgn:\s*0+$/m);
});

test('without one it reads nothing and writes nowhere', () => {
  expect(said('read -r line || echo nothing')).toBe('nothing\n');
  expect(ended(sh('echo text >&2 && echo text'))).toEqual({ code: 0, signal: null });
});

test('descriptors come in the order given, whatever their numbers, and no others', () => {
  const at = directory();
  // Low numbers too: those that others are to be put at.
  const open = Array.from({ length: 12 }, (_, index) => openSync(`${at}/${index}`, 'w'));
  onTestFinished(() => open.forEach((fd) => closeSync(fd)));
  const nameOf = new Map(open.map((fd, index) => [fd, `${at}/${index}`]));
  const before = readdirSync('/proc/self/fd').length;
  fc.assert(fc.property(fc.shuffledSubarray(open, { minLength: 1, maxLength: 8 }), (given) => {
    const list = `${at}/list`;
    const out = openSync(list, 'w');
    try {
      ended(sh('ls -l /proc/$$/fd >&2', [null, null, out, ...given]));
    } finally {
      closeSync(out);
    }
    const found = [...readFileSync(list, 'utf8').matchAll(/ (\d+) -> (.*)$/gm)].map(([, fd, name]) => [Number(fd), name] as const);
    expect(found.filter(([, name]) => name !== list && name?.startsWith(at)).toSorted(([a], [b]) => a - b)).toEqual(given.map((fd, index) => [3 + index, nameOf.get(fd)]));
  }), { numRuns: 30 });
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});
