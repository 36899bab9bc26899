import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { StateNote, type Noted } from '../../../src/activator/state-note.ts';
import { processIdentity } from '../../../src/activator/runtime-state.ts';
import { runtimeSiteDir, type Paths } from '../../../src/base/paths.ts';
import { temporaryDirectory } from '../sockets/kit.ts';

const present: Noted = { pid: process.pid, listening: true, listened: [3], stopping: false, toldMs: null, activeAtMs: 400, baselines: [], served: [3], statusFlags: [2] };

function noting(): { readonly note: StateNote; readonly paths: Paths; readonly logged: string[]; is: Noted } {
  const directory = temporaryDirectory();
  const logged: string[] = [];
  const paths: Paths = { siteDirs: [], stateDir: `${directory}/state`, runtimeDir: `${directory}/run`, controlPath: `${directory}/control` };
  const scene = { paths, logged, is: present };
  const note = new StateNote('blog', { paths, now: () => 1_000, log: { error: (text: string) => logged.push(text) } as never }, () => scene.is);
  return Object.assign(scene, { note });
}

test('what is true is noted, with the time of day, and removed', () => {
  const scene = noting();
  expect(scene.note.read()).toBeNull();
  const before = Date.now();
  scene.note.write();
  const read = scene.note.read();
  const { pid: _, activeAtMs: __, ...rest } = present;
  expect(read).toMatchObject({ ...rest, version: 1, process: processIdentity(process.pid) });
  expect(read?.lastActiveMs).toBeGreaterThanOrEqual(before - 600);
  expect(read?.lastActiveMs).toBeLessThanOrEqual(Date.now() - 600);
  scene.is = { ...present, pid: null };
  scene.note.write();
  expect(scene.note.read()?.process).toBeNull();
  scene.note.remove();
  expect(existsSync(runtimeSiteDir(scene.paths, 'blog'))).toBe(false);
});

test('blocking modes count as noted when they have been written', () => {
  const { note, paths, logged } = noting();
  expect(note.hasFlags([2])).toBe(false);
  // No directory can be made there.
  mkdirSync(dirname(dirname(runtimeSiteDir(paths, 'blog'))), { recursive: true });
  writeFileSync(dirname(runtimeSiteDir(paths, 'blog')), '');
  note.write();
  expect([note.hasFlags([2]), logged]).toEqual([false, ['The state of a site could not be saved']]);
  const sound = noting().note;
  sound.write();
  expect([sound.hasFlags([2]), sound.hasFlags([0])]).toEqual([true, false]);
});
