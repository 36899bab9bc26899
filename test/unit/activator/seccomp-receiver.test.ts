import { existsSync, fstatSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SeccompReceiver, parseState } from '../../../src/activator/seccomp-receiver.ts';
import { makePipe } from '../../../src/linux/fd.ts';
import { closedAfterTest, pythonDone, temporaryDirectory, testPoller } from '../sockets/kit.ts';

describe('what crun says', () => {
  const state = { ociVersion: '1.0', fds: ['seccompFd'], pid: 17, metadata: 'blog', state: { id: 'blog' } };

  test.each([JSON.stringify(state), `${JSON.stringify(state)}\0`, `${JSON.stringify(state)}\0\0`])('%j', (message) => {
    expect(parseState(message)).toEqual({ site: 'blog', pid: 17 });
  });

  test.each(['', '{', 'null', '[]', '7', '{"pid":17}', '{"metadata":"blog"}', '{"pid":"17","metadata":"blog"}', '{"pid":17,"metadata":7}'])('%j is nothing', (message) => {
    expect(parseState(message)).toBeNull();
  });
});

/** Sends as crun does: the state and a descriptor in one message. */
const send = (path: string, message: string, count: number): string => `
import array, socket
s = socket.socket(socket.AF_UNIX)
s.connect(${JSON.stringify(path)})
s.sendmsg([${JSON.stringify(message)}.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [3] * ${count}))] if ${count} else [])
s.recv(1)`;

function receiver(takes: boolean): { path: string; taken: { site: string; fd: number; pid: number }[] } {
  const path = `${temporaryDirectory()}/sub/seccomp.sock`;
  const taken: { site: string; fd: number; pid: number }[] = [];
  const made = new SeccompReceiver(path, testPoller(), (site, fd, pid) => {
    taken.push({ site, fd, pid });
    return takes;
  });
  onTestFinished(() => made.close());
  return { path, taken };
}

describe('the socket', () => {
  test('is ours alone', () => {
    expect(statSync(receiver(true).path).mode & 0o777).toBe(0o600);
  });

  test('takes the descriptor for its site', async () => {
    const { path, taken } = receiver(true);
    const { readEnd, writeEnd } = makePipe();
    closedAfterTest(readEnd);
    closedAfterTest(writeEnd);
    await pythonDone(send(path, '{"pid":17,"metadata":"blog"}', 1), [writeEnd]);
    expect(taken).toEqual([{ site: 'blog', pid: 17, fd: expect.any(Number) }]);
    expect(fstatSync(taken[0]?.fd ?? -1).ino).toBe(fstatSync(writeEnd).ino);
    closedAfterTest(taken[0]?.fd ?? -1);
  });

  test.each([['nobody waits for it', '{"pid":17,"metadata":"blog"}', 1, 1], ['the message is garbage', 'garbage', 1, 0], ['there are too many', '{"pid":17,"metadata":"blog"}', 3, 1]])('closes it where %s', async (_, message, count, asked) => {
    const { path, taken } = receiver(false);
    const { readEnd, writeEnd } = makePipe();
    closedAfterTest(readEnd);
    const inode = fstatSync(writeEnd).ino;
    await pythonDone(send(path, message, count), [writeEnd]);
    closedAfterTest(writeEnd);
    expect(taken).toHaveLength(asked);
    // Of all descriptors of this process only our own two ends are left.
    const left = Array.from({ length: 1024 }, (_, fd) => fd).filter((fd) => existsSync(`/proc/self/fd/${fd}`) && fstatSync(fd).ino === inode);
    expect(left).toEqual([readEnd, writeEnd]);
  });

  test('who connects and goes, or says nothing of a descriptor, is no harm', async () => {
    const { path, taken } = receiver(true);
    const socket = connect(path);
    await once(socket, 'connect');
    socket.destroy();
    await pythonDone(send(path, '{"pid":17,"metadata":"blog"}', 0), []);
    expect(taken).toEqual([]);
  });

  test('replaces what a dead activator left', () => {
    const path = `${temporaryDirectory()}/seccomp.sock`;
    writeFileSync(path, '');
    const made = new SeccompReceiver(path, testPoller(), () => true);
    expect(statSync(path).isSocket()).toBe(true);
    made.close();
  });
});
