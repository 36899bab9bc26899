/** Names of system calls as numbers, by the library that crun has of it: seccomp_syscall_resolve_name(3). */
import { WakesockError } from '../base/errors.ts';
import { loadLibrary } from './libc.ts';

/** Null: the machine has no such call. */
export type NumberOf = (name: string) => number | null;

/** @param architecture AUDIT_ARCH_* of linux/audit.h @throws WakesockError `ERR_WAKESOCK_RUNTIME` without the library */
export function systemCallNumbers(architecture: number): NumberOf {
  let resolve: (architecture: number, name: string) => number;
  try {
    resolve = loadLibrary('libseccomp.so.2').func('int seccomp_syscall_resolve_name_arch(uint32_t, const char *)');
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_RUNTIME', `libseccomp.so.2 could not be loaded, which crun needs as well: ${(error as Error).message}`, { cause: error });
  }
  return (name) => {
    const number = resolve(architecture, name);
    // Negative: of another architecture, or of none.
    return number >= 0 ? number : null;
  };
}
