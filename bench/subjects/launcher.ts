/** Subjects that are launcher.pl with the product's own rendering of the program's bundle. */
import { readFileSync, rmSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { findProgram } from '../../src/runtime/find-program.ts';
import type { Manager } from '../../src/systemd/manager.ts';
import { scopeName, sliceUnitName } from '../../src/systemd/unit-names.ts';
import { LineProcess } from '../harness/line-process.ts';
import type { Bench, Program, Running, Subject } from '../types.ts';
import { writeBundle } from './crun-bundle.ts';

/** See launcher.pl. */
export type CgroupMode = 'none' | 'move' | 'into' | 'crun';

export interface LauncherOptions {
  readonly cgroup: CgroupMode;
  /** When the container is registered as a scope: as soon as its first process is known, after the answer, or never. */
  readonly register: 'early' | 'late' | 'never';
  /** Without the seccomp filter: what it costs is the difference. */
  readonly unfiltered?: boolean;
}

const cgroupRoot = '/sys/fs/cgroup';
let launchersMade = 0;

export function launcherSubject(name: string, options: LauncherOptions): Subject {
  return { name, start: (program, bench) => start(`bench-${name}-${program.name}-${launchersMade += 1}`, program, bench, options) };
}

async function start(id: string, program: Program, bench: Bench, { cgroup, register, unfiltered = false }: LauncherOptions): Promise<Running> {
  const { manager } = bench;
  const directory = `${bench.directory}/${id}`;
  const port = bench.nextPort();
  const pidFile = `${directory}/pid`;
  // A slice's own cgroup is there only while systemd knows of something in it.
  if (cgroup !== 'none') await manager.startUnit(sliceUnitName);
  await writeBundle(directory, program, bench, { cgroupsPath: cgroup === 'crun' ? `/${sliceUnitName}/${scopeName(id)}` : null, unfiltered });
  const launcher = new LineProcess('perl', [
    `${bench.options.checkout}/bench/subjects/launcher.pl`, String(port), pidFile, cgroup, `${cgroupRoot}/${sliceUnitName}/${scopeName(id)}`,
    findProgram('crun'), `--cgroup-manager=${cgroup === 'crun' ? 'cgroupfs' : 'disabled'}`, `--root=${directory}/state`,
    'run', `--pid-file=${pidFile}`, `--bundle=${directory}`, id,
  ]);
  await launcher.expect('ready');

  const asScope = async (): Promise<number> => {
    const startMs = performance.now();
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await manager.startScope({ name: scopeName(id), description: id, slice: sliceUnitName, pids: [pid], properties: [], stopTimeoutMs: 1_000 });
    return performance.now() - startMs;
  };
  let early = register === 'early' ? onceWritten(pidFile, asScope) : null;
  return {
    port,
    async sleep() {
      const registered = early ?? (register === 'late' ? onceWritten(pidFile, asScope) : null);
      const registerMs = await registered?.done;
      launcher.send('sleep');
      await launcher.expect('dormant');
      if (register !== 'never') await endScope(manager, scopeName(id));
      if (early) early = onceWritten(pidFile, asScope);
      return registerMs === undefined ? {} : { register: registerMs };
    },
    async stop() {
      early?.end();
      await launcher.end();
      if (cgroup !== 'none') await manager.stopUnit(sliceUnitName);
      rmSync(directory, { recursive: true });
    },
  };
}

/** systemd learns from the cgroup that a scope is empty; where that was removed before it looked, it must be told. */
async function endScope(manager: Manager, name: string): Promise<void> {
  await manager.stopUnit(name);
  await manager.waitUnitGone(name);
}

/** Does `action` once the file has something in it. */
function onceWritten<T>(path: string, action: () => Promise<T>): { readonly done: Promise<T>; end(): void } {
  // Before the first look: what was written earlier is not announced.
  const watcher = watch(dirname(path));
  const written = new Promise<void>((resolve) => {
    const look = (): void => { if (isWritten(path)) resolve(); };
    watcher.on('change', look);
    look();
  });
  return { done: written.then(() => { watcher.close(); return action(); }), end: () => watcher.close() };
}

function isWritten(path: string): boolean {
  try {
    return readFileSync(path, 'utf8') !== '';
  } catch {
    return false;
  }
}
