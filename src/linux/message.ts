/** sendmsg(2) and recvmsg(2) with descriptors and credentials beside the bytes (unix(7)). */
import { MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, SOL_SOCKET } from './constants.ts';
import { addressOf, call } from './libc.ts';

const SCM_RIGHTS = 1;
/** The kernel passes at most this many descriptors in one message (SCM_MAX_FD). */
export const passedFdsMax = 253;

/** Sends one message. `to` is a sockaddr, or null on a connected socket. Returns the bytes sent. EAGAIN only if it may not wait. */
export function sendMessage(socket: number, data: Buffer, options: { fds?: readonly number[]; to?: Buffer; waits?: boolean } = {}): number {
  const vector = ioVector(data);
  const control = options.fds && options.fds.length > 0 ? rightsMessage(options.fds) : null;
  const header = messageHeader(vector, control, options.to ?? null);
  const sent = call('sendmsg', socket, header, MSG_NOSIGNAL | (options.waits === false ? MSG_DONTWAIT : 0));
  keepAlive(data, vector, control, options.to);
  return sent;
}

/** Receives one message without waiting: its bytes (empty: the peer has closed) and the descriptors that came along. */
export function receiveMessage(socket: number, bytesMax: number): { data: Buffer; fds: number[] } {
  const data = Buffer.alloc(bytesMax);
  const control = Buffer.alloc(controlBytes(passedFdsMax));
  const vector = ioVector(data);
  const header = messageHeader(vector, control, null);
  const length = call('recvmsg', socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  keepAlive(data, vector, control);
  return { data: data.subarray(0, length), fds: passedFds(control.subarray(0, Number(header.readBigUInt64LE(40)))) };
}

function ioVector(data: Buffer): Buffer {
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(data.length === 0 ? 0n : addressOf(data), 0);
  vector.writeBigUInt64LE(BigInt(data.length), 8);
  return vector;
}

function messageHeader(vector: Buffer, control: Buffer | null, name: Buffer | null): Buffer {
  const header = Buffer.alloc(56);
  if (name) {
    header.writeBigUInt64LE(addressOf(name), 0);
    header.writeUInt32LE(name.length, 8);
  }
  header.writeBigUInt64LE(addressOf(vector), 16);
  header.writeBigUInt64LE(1n, 24);
  if (control) {
    header.writeBigUInt64LE(addressOf(control), 32);
    header.writeBigUInt64LE(BigInt(control.length), 40);
  }
  return header;
}

function rightsMessage(fds: readonly number[]): Buffer {
  const control = Buffer.alloc(controlBytes(fds.length));
  control.writeBigUInt64LE(BigInt(16 + fds.length * 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  fds.forEach((fd, index) => control.writeInt32LE(fd, 16 + index * 4));
  return control;
}

function controlBytes(fdCount: number): number {
  return Math.ceil((16 + fdCount * 4) / 8) * 8;
}

function passedFds(control: Buffer): number[] {
  const fds: number[] = [];
  for (let at = 0; at + 16 <= control.length; ) {
    const length = Number(control.readBigUInt64LE(at));
    if (length < 16) break;
    if (control.readInt32LE(at + 8) === SOL_SOCKET && control.readInt32LE(at + 12) === SCM_RIGHTS) {
      for (let fd = at + 16; fd + 4 <= at + length; fd += 4) fds.push(control.readInt32LE(fd));
    }
    at += Math.ceil(length / 8) * 8;
  }
  return fds;
}

/** The header holds plain addresses: the buffers must not be collected before the call is over. */
function keepAlive(..._buffers: unknown[]): void {}
