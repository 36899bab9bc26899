/** A profile of containers-common as podman compiles it, with libseccomp itself. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { loadLibrary } from '../../src/linux/libc.ts';

const library = loadLibrary('libseccomp.so.2');
const init = library.func('void *seccomp_init(uint32_t)');
const addRule = library.func('int seccomp_rule_add_array(void *, uint32_t, int, unsigned int, const void *)');
const exportBpf = library.func('int seccomp_export_bpf(void *, int)');
const release = library.func('void seccomp_release(void *)');
const resolve = library.func('int seccomp_syscall_resolve_name(const char *)');

const operators: Readonly<Record<string, number>> = { SCMP_CMP_NE: 1, SCMP_CMP_LT: 2, SCMP_CMP_LE: 3, SCMP_CMP_EQ: 4, SCMP_CMP_GE: 5, SCMP_CMP_GT: 6, SCMP_CMP_MASKED_EQ: 7 };

interface Argument { readonly index: number; readonly value: number; readonly valueTwo: number; readonly op: string }
interface Condition { readonly caps?: readonly string[]; readonly arches?: readonly string[] }
interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly Argument[] | null;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

/** For this machine (x86-64). */
export function compileProfile(text: string, capabilities: ReadonlySet<string>): Buffer {
  const { defaultErrnoRet = 1, syscalls } = JSON.parse(text) as { defaultErrnoRet?: number; syscalls: readonly Rule[] };
  const context: unknown = init(0x0005_0000 + defaultErrnoRet);
  const directory = mkdtempSync(`${tmpdir()}/wakesock-seccomp-`);
  try {
    for (const { names, action, errnoRet = 1, args, includes = {}, excludes = {} } of syscalls) {
      const has = (name: string): boolean => capabilities.has(name);
      if (includes.arches && includes.arches.length > 0 && !includes.arches.includes('amd64')) continue;
      if (includes.caps?.some((name) => !has(name)) || excludes.caps?.some(has) || excludes.arches?.includes('amd64')) continue;
      for (const name of names) addTo(context, name, action === 'SCMP_ACT_ALLOW' ? 0x7fff_0000 : 0x0005_0000 + errnoRet, args ?? []);
    }
    const fd = openSync(`${directory}/bpf`, 'w');
    if (exportBpf(context, fd) !== 0) throw new Error('libseccomp could not compile the profile');
    closeSync(fd);
    return readFileSync(`${directory}/bpf`);
  } finally {
    release(context);
    rmSync(directory, { recursive: true });
  }
}

function addTo(context: unknown, name: string, action: number, args: readonly Argument[]): void {
  const number = Number(resolve(name));
  if (number < 0) return;
  const compare = Buffer.alloc(24 * args.length);
  args.forEach(({ index, value, valueTwo, op }, at) => {
    compare.writeUInt32LE(index, at * 24);
    compare.writeUInt32LE(operators[op] ?? 0, at * 24 + 4);
    compare.writeBigUInt64LE(BigInt(value), at * 24 + 8);
    compare.writeBigUInt64LE(BigInt(valueTwo), at * 24 + 16);
  });
  // What is the default already it refuses to add; so does podman.
  addRule(context, action, number, args.length, compare);
}
