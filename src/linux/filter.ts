/** Classic BPF on sockets, socket(7) SO_ATTACH_FILTER. */
import { SOL_SOCKET, SO_ATTACH_FILTER, SO_DETACH_FILTER } from './constants.ts';
import { addressOf, isErrno } from './libc.ts';
import { getOptionLength, setOption } from './socket.ts';

export interface FilterInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Replaces the filter of the socket in one step. */
export function setFilter(fd: number, program: readonly FilterInstruction[]): void {
  const code = Buffer.alloc(program.length * 8);
  program.forEach((instruction, index) => {
    code.writeUInt16LE(instruction.code, index * 8);
    code.writeUInt8(instruction.jt, index * 8 + 2);
    code.writeUInt8(instruction.jf, index * 8 + 3);
    code.writeUInt32LE(instruction.k, index * 8 + 4);
  });
  const header = Buffer.alloc(16);
  header.writeUInt16LE(program.length, 0);
  header.writeBigUInt64LE(addressOf(code), 8);
  setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, header);
}

export function clearFilter(fd: number): void {
  try {
    setOption(fd, SOL_SOCKET, SO_DETACH_FILTER, Buffer.alloc(4));
  } catch (error) {
    // There was none.
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** SO_GET_FILTER has the number of SO_ATTACH_FILTER and answers how many instructions there are. */
export function hasFilter(fd: number): boolean {
  try {
    return getOptionLength(fd, SOL_SOCKET, SO_ATTACH_FILTER) > 0;
  } catch (error) {
    // There is one, and it was not made of classic instructions.
    if (isErrno(error, 'EACCES')) return true;
    throw error;
  }
}
