import { describe, expect, test } from 'vitest';
import { EPOLLIN, epollAddForeign } from '../../../src/linux/epoll.ts';
import { closeFd } from '../../../src/linux/libc.ts';
import { socketKind } from '../../../src/linux/socket.ts';
import { epollRegistrations, watchesByEpoll } from '../../../src/wake/epoll-registrations.ts';
import { client, line, listening, python } from '../sockets/kit.ts';

/** A program that made its socket, registered it before bind, and prints its number. */
const early = `
import os, select, socket, sys
sets = [select.epoll() for _ in range(SETS)]
s = socket.socket()
os.dup2(s.fileno(), 40)
for one in sets: one.register(40, select.EPOLLIN | select.EPOLLET)
print(os.getpid(), flush=True)
sys.stdin.readline()
`;

async function started(code: string): Promise<{ pid: number; child: ReturnType<typeof python> }> {
  const child = python(code);
  return { pid: Number(await line(child)), child };
}

describe('registered before bind', () => {
  test.each([0, 1, 2])('in %i sets', async (sets) => {
    const { pid } = await started(early.replace('SETS', `${sets}`));
    const found = epollRegistrations(pid, 40);
    expect(found.map(({ fd, events, data }) => ({ fd, events, data: data & 0xffff_ffffn }))).toEqual(
      Array.from({ length: sets }, () => ({ fd: 40, events: (0x8000_0001 | 0x18) >>> 0, data: 40n })),
    );
    // Our copies are the program's sets, and ours to close.
    for (const { epoll } of found) {
      expect(socketKind(epoll)).toBeNull();
      closeFd(epoll);
    }
  });

  test('another descriptor is not meant', async () => {
    const { pid } = await started(early.replace('SETS', '1'));
    expect(epollRegistrations(pid, 4)).toEqual([]);
    expect(epollRegistrations(pid, 400)).toEqual([]);
  });

  test('what is added to the copy, the program hears of', async () => {
    const { pid, child } = await started(`
import os, select, sys
one = select.epoll()
r, w = os.pipe()
os.dup2(r, 40)
one.register(40, select.EPOLLIN)
print(os.getpid(), flush=True)
print(one.poll()[0][0], flush=True)`);
    const listener = listening();
    const [registration] = epollRegistrations(pid, 40);
    if (!registration) throw new Error('not found');
    // Twice, as by an activator that cannot know how far a dead one got.
    epollAddForeign(registration.epoll, listener.fd, EPOLLIN, registration.data);
    epollAddForeign(registration.epoll, listener.fd, EPOLLIN, registration.data);
    closeFd(registration.epoll);
    const heard = line(child);
    client(listener);
    expect(await heard).toBe('40');
  });
});

test('a socket that the program waits for with epoll is known by its inode', async () => {
  const [watched, other] = [listening(), listening()];
  const child = python(`
import os, select
one = select.epoll()
one.register(3, select.EPOLLIN)
print(os.getpid(), flush=True)
input()`, [watched.fd, other.fd]);
  const pid = Number(await line(child));
  expect([watched, other].map(({ inode }) => watchesByEpoll(pid, inode))).toEqual([true, false]);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await exited;
  expect(watchesByEpoll(pid, watched.inode)).toBe(false);
});

test('a process that is gone', async () => {
  const { pid, child } = await started('import os; print(os.getpid(), flush=True)');
  await new Promise((resolve) => child.once('exit', resolve));
  expect(() => epollRegistrations(pid, 3)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});
