/** The product's own rendering of a program's bundle, for others to run: the same root, namespaces, mounts and filter. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { bpfAnnotation } from '../../src/runtime/bundle.ts';
import type { Bench, Program } from '../types.ts';

export interface BundleOptions {
  readonly cgroupsPath?: string | null;
  /** Without the seccomp filter. */
  readonly unfiltered?: boolean;
  /** For a program that is given no socket: in the machine's network instead of one of its own. */
  readonly bindsItself?: boolean;
}

interface Config {
  process: { env: readonly string[] };
  linux: { cgroupsPath?: string; seccomp?: unknown; namespaces: readonly { readonly type: string }[] };
  annotations: Record<string, string>;
}

/** Writes `config.json`, and `state/` for crun's `--root`. */
export async function writeBundle(directory: string, program: Program, bench: Bench, { cgroupsPath = null, unfiltered = false, bindsItself = false }: BundleOptions = {}): Promise<void> {
  const config = JSON.parse(await bench.wakesock.bundleOf(program, bench)) as Config;
  if (cgroupsPath !== null) config.linux.cgroupsPath = cgroupsPath;
  if (bindsItself) {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network');
    config.process.env = config.process.env.filter((variable) => !variable.startsWith('LISTEN_'));
  }
  if (unfiltered) {
    delete config.linux.seccomp;
    delete config.annotations[bpfAnnotation];
  }
  mkdirSync(`${directory}/state`, { recursive: true });
  writeFileSync(`${directory}/config.json`, JSON.stringify(config));
}
