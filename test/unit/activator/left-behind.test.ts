import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { namesLeft } from '../../../src/activator/left-behind.ts';
import { writeRuntimeState } from '../../../src/activator/runtime-state.ts';
import type { Paths } from '../../../src/base/paths.ts';
import { scopeName } from '../../../src/systemd/unit-names.ts';
import { temporaryDirectory } from '../sockets/kit.ts';

const pathsIn = (root: string): Paths => ({ siteDirs: [], stateDir: `${root}/state`, runtimeDir: `${root}/run`, controlPath: `${root}/control` });

test('sites of which something was left, wherever that is', () => {
  const root = temporaryDirectory();
  const paths = pathsIn(root);
  writeRuntimeState(paths, 'noted', { version: 1, process: null, listening: false, stopping: false, toldMs: null, lastActiveMs: 0, baselines: [], served: [], statusFlags: [] });
  for (const unit of [scopeName('scope'), scopeName('tmpl@inst'), 'wakesock.service', 'other.scope']) mkdirSync(`${root}/slice/${unit}`, { recursive: true });
  const names = namesLeft({ paths, sliceDir: `${root}/slice`, crun: { known: () => ['crun'] }, stored: ['stored', 'noted'] });
  expect([...names].toSorted()).toEqual(['crun', 'noted', 'scope', 'stored', 'tmpl@inst']);
});

test('nothing was left, and none of the places is there', () => {
  const root = temporaryDirectory();
  expect([...namesLeft({ paths: pathsIn(root), sliceDir: `${root}/slice`, crun: { known: () => [] }, stored: [] })]).toEqual([]);
});
