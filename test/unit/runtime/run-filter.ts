/** Classic BPF as the kernel runs it on a system call (net/core/filter.c, kernel/seccomp.c): the instructions that filters may use. */
export interface SystemCall {
  readonly architecture: number;
  readonly number: number;
  readonly args: readonly bigint[];
}

export function runFilter(program: Buffer, call: SystemCall): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.architecture, 4);
  call.args.forEach((value, index) => data.writeBigUInt64LE(value, 16 + 8 * index));
  let accumulator = 0;
  for (let at = 0; at < program.length;) {
    const code = program.readUInt16LE(at);
    const k = program.readUInt32LE(at + 4);
    const jump = (taken: boolean): number => at + 8 + 8 * program.readUInt8(at + (taken ? 2 : 3));
    if (code === 0x20) { accumulator = data.readUInt32LE(k); at += 8; }
    else if (code === 0x05) at += 8 + 8 * k;
    else if (code === 0x54) { accumulator = (accumulator & k) >>> 0; at += 8; }
    else if (code === 0x25) at = jump(accumulator > k);
    else if (code === 0x15) at = jump(accumulator === k);
    else if (code === 0x35) at = jump(accumulator >= k);
    else if (code === 0x45) at = jump((accumulator & k) !== 0);
    else if (code === 0x06) return k;
    else throw new Error(`Instruction ${code.toString(16)} at ${at / 8}`);
  }
  throw new Error('The program ran past its end');
}

export const ALLOW = 0x7fff_0000;
export const NOTIFY = 0x7fc0_0000;
export const KILL_PROCESS = 0x8000_0000;
export const errno = (number: number): number => 0x0005_0000 + number;
