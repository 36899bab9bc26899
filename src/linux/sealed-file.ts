/** A program in memory that nobody can write any more: memfd_create(2), F_ADD_SEALS of fcntl(2). */
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { call, isErrno } from './libc.ts';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
/** Linux 6.3: without it `vm.memfd_noexec=1` makes a file that cannot be executed. */
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
const ELF = 0x7f454c46;
const SEAL_SEAL_SHRINK_GROW_WRITE = 0xf;

/**
 * A sealed copy of the file, executable, close-on-exec. Null for a script: its interpreter could not open it any more (fexecve(3), Notes).
 * @throws SyscallError; an error of Node's where it cannot be read
 */
export function sealedCopy(path: string): number | null {
  const bytes = readFileSync(path);
  if (bytes.length < 4 || bytes.readUInt32BE() !== ELF) return null;
  const fd = makeMemoryFile(path);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    call('fcntl', fd, F_ADD_SEALS, SEAL_SEAL_SHRINK_GROW_WRITE);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function makeMemoryFile(name: string): number {
  try {
    return call('memfd_create', name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  } catch (error) {
    if (!isErrno(error, 'EINVAL')) throw error;
    return call('memfd_create', name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
}
