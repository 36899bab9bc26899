/** One question to a server: a connection of its own, and when the first byte of the answer came. */
import { connect } from 'node:net';

export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

export interface Question {
  readonly address: Address;
  readonly request: string | Uint8Array;
  /** Null: this is an answer. Else what is wrong with it. @param head the first bytes, as Latin-1 */
  readonly problem: (head: string) => string | null;
  /** From `connect` to the end of the connection. */
  readonly timeoutMs: number;
  /** A server that has answered and does not close gets so long to do it. Default: `timeoutMs`. */
  readonly lingerMs?: number;
}

/**
 * Milliseconds from `connect` to the first byte of the answer. Resolves when the connection has ended, so that the server is
 * done with it. Rejects with what is wrong, and where nothing came.
 */
export function ask({ address, request, problem, timeoutMs, lingerMs = timeoutMs }: Question): Promise<number> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    let firstByteMs: number | null = null;
    let wrong: string | null = 'closed without an answer';
    const socket = connect({ ...address }, () => socket.write(request));
    const timer = setTimeout(() => {
      wrong = firstByteMs === null ? `no answer within ${timeoutMs} ms` : wrong;
      socket.destroy();
    }, timeoutMs);
    socket.once('data', (data) => {
      firstByteMs = performance.now() - startMs;
      wrong = problem(data.toString('latin1', 0, 64));
      if (lingerMs < timeoutMs) socket.setTimeout(lingerMs, () => socket.destroy());
    });
    // After the first byte the server may reset what it does not want to read.
    socket.on('error', ({ message }) => { if (firstByteMs === null) wrong = message; });
    socket.once('close', () => {
      clearTimeout(timer);
      if (firstByteMs !== null && wrong === null) resolve(firstByteMs);
      else reject(new Error(wrong ?? 'closed without an answer'));
    });
    socket.resume();
  });
}

/** What is wrong with the head of an HTTP answer. A status from 500 on is the server's way to say that it has failed. */
export function httpProblem(head: string): string | null {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) return 'answered something else than HTTP';
  return Number(status) >= 500 ? `answered ${status}` : null;
}
