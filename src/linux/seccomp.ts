/** seccomp user notification, seccomp_unotify(2). */
import { call, isErrno } from './libc.ts';

const NOTIF_RECV = 0xc0502100n;
const NOTIF_SEND = 0xc0182101n;
const NOTIF_ID_VALID = 0x40082102n;
const NOTIF_ADDFD = 0x40182103n;
const RESPONSE_CONTINUE = 1;
const ADDFD_FLAG_SETFD = 1;

export interface SeccompNotification {
  readonly id: bigint;
  /** The thread that waits, in our PID namespace; 0 where it is not visible to us. */
  readonly tid: number;
  /** System call number. */
  readonly nr: number;
  readonly args: readonly bigint[];
}

/** Null where the call was interrupted before it could be read (ENOENT). Blocks when nothing is there: poll first. */
export function receiveNotification(fd: number): SeccompNotification | null {
  const notification = Buffer.alloc(80);
  try {
    call('ioctl', fd, NOTIF_RECV, notification);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
  return {
    id: notification.readBigUInt64LE(0),
    tid: notification.readUInt32LE(8),
    nr: notification.readInt32LE(16),
    args: [0, 1, 2, 3, 4, 5].map((index) => notification.readBigUInt64LE(32 + index * 8)),
  };
}

export type NotificationAnswer = { readonly kind: 'continue' } | { readonly kind: 'return'; readonly value: number } | { readonly kind: 'error'; readonly errno: number };

/** False where the call is no longer waiting: it was interrupted and will be made again, or its thread is gone. */
export function answerNotification(fd: number, id: bigint, answer: NotificationAnswer): boolean {
  const response = Buffer.alloc(24);
  response.writeBigUInt64LE(id, 0);
  if (answer.kind === 'continue') response.writeUInt32LE(RESPONSE_CONTINUE, 20);
  if (answer.kind === 'return') response.writeBigInt64LE(BigInt(answer.value), 8);
  if (answer.kind === 'error') response.writeInt32LE(-answer.errno, 16);
  return whileWaiting(() => call('ioctl', fd, NOTIF_SEND, response));
}

/** Whether the call still waits: what was read of its process until now was its own. */
export function notificationValid(fd: number, id: bigint): boolean {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(id);
  return whileWaiting(() => call('ioctl', fd, NOTIF_ID_VALID, bytes));
}

/** Puts a copy of our descriptor `source` at number `target` of the waiting process, closing what was there. */
export function installFd(fd: number, id: bigint, source: number, target: number, closeOnExec: boolean): boolean {
  const request = Buffer.alloc(24);
  request.writeBigUInt64LE(id, 0);
  request.writeUInt32LE(ADDFD_FLAG_SETFD, 8);
  request.writeUInt32LE(source, 12);
  request.writeUInt32LE(target, 16);
  request.writeUInt32LE(closeOnExec ? 0o2000000 : 0, 20);
  return whileWaiting(() => call('ioctl', fd, NOTIF_ADDFD, request));
}

function whileWaiting(action: () => number): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'EINPROGRESS')) return false;
    throw error;
  }
}

