/** Files as the kernel writes them; that it announces them is seen in the virtual machine. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { SliceOomKills } from '../../../src/runtime/oom-kills.ts';
import type { Poller } from '../../../src/sockets/poller.ts';
import { temporaryDirectory } from '../sockets/kit.ts';

/** Nothing is announced. */
const silent = { watch: () => ({ arm: () => {}, end: () => {} }) } as unknown as Poller;
let slice: string;

beforeEach(() => {
  slice = `${temporaryDirectory()}/wakesock.slice`;
  mkdirSync(slice);
});

function say(directory: string, count: number): void {
  writeFileSync(`${directory}/memory.events`, `low 0\nhigh 0\nmax 7\noom 1\noom_kill ${count}\noom_group_kill 0\n`);
}

/** @param count null: systemd has removed its cgroup */
function scope(name: string, count: number | null): string {
  const directory = `${slice}/${name}`;
  if (count === null) return directory;
  mkdirSync(directory);
  say(directory, count);
  return directory;
}

function watch(all: SliceOomKills, directory: string, seen: number | null = 0): { look: () => void; end: () => void; told: number[] } {
  const told: number[] = [];
  const one = all.watch(directory, seen, (count) => told.push(count));
  return { look: () => one.look(), end: () => one.end(), told };
}

test('what is new is told, once', () => {
  say(slice, 0);
  const all = new SliceOomKills(slice, silent);
  const directory = scope('a', 1);
  say(slice, 1);
  const a = watch(all, directory);
  a.look();
  expect(a.told).toEqual([1]);
  say(directory, 3);
  a.look();
  expect(a.told).toEqual([1, 2]);
  const taken = watch(all, directory, null);
  expect(taken.told).toEqual([]);
});

test('the count of a scope that is gone is found in the slice\'s, and is nobody else\'s', () => {
  say(slice, 5);
  const all = new SliceOomKills(slice, silent);
  const alive = scope('alive', 0);
  const neighbour = watch(all, alive);
  const gone = watch(all, scope('gone', null));
  expect(gone.told).toEqual([]);
  // One of the neighbour's, not yet announced, and one of its own.
  say(alive, 1);
  say(slice, 7);
  gone.look();
  expect([neighbour.told, gone.told]).toEqual([[1], [1]]);
  gone.look();
  const next = watch(all, scope('next', null));
  expect([gone.told, next.told]).toEqual([[1], []]);
  // Whoever has ended is not asked any more.
  neighbour.end();
  say(slice, 8);
  next.look();
  expect(next.told).toEqual([1]);
});

test('a slice that was made anew counts from nothing', () => {
  say(slice, 5);
  const all = new SliceOomKills(slice, silent);
  rmSync(slice, { recursive: true });
  const gone = watch(all, scope('gone', null));
  expect(gone.told).toEqual([]);
  mkdirSync(slice);
  say(slice, 1);
  const next = watch(all, scope('next', null));
  expect(next.told).toEqual([1]);
});

test('without memory controller nothing is told', () => {
  const all = new SliceOomKills(slice, silent);
  mkdirSync(`${slice}/a`);
  const a = watch(all, `${slice}/a`);
  a.look();
  a.end();
  expect(a.told).toEqual([]);
});
