import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pidfdGetFd, pidfdOpen } from '../../../src/linux/pidfd.ts';
import { Adoption, type Pairing } from '../../../src/wake/adoption.ts';
import { eventsNow, getStatusFlags } from '../../../src/linux/fd.ts';
import { closedAfterTest, deferred, line, listening, python, testPoller } from '../sockets/kit.ts';
import { EPOLLIN } from '../../../src/linux/epoll.ts';

const POLLOUT = 4;

/**
 * A program under a filter that notifies of `bind` and `listen`: it says the number of its notify descriptor, registers its
 * socket with two epoll sets, binds, and listens. A signal interrupts the call, which then is made anew.
 */
const program = `
import ctypes, select, signal, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
BIND, LISTEN, SECCOMP = (49, 50, 317) if ctypes.sizeof(ctypes.c_void_p) == 8 and __import__('platform').machine() == 'x86_64' else (200, 201, 277)
code = b''.join(struct.pack('HBBI', *row) for row in ((0x20, 0, 0, 0), (0x15, 1, 0, BIND), (0x15, 0, 1, LISTEN), (0x06, 0, 0, 0x7fc00000), (0x06, 0, 0, 0x7fff0000)))
buffer = ctypes.create_string_buffer(code)
header = ctypes.create_string_buffer(struct.pack('HxxxxxxP', 5, ctypes.addressof(buffer)))
signal.signal(signal.SIGUSR1, lambda *_: print('interrupted', flush=True))
signal.siginterrupt(signal.SIGUSR1, False)
own = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sets = [select.epoll(), select.epoll()]
for one in sets:
    one.register(own.fileno(), select.EPOLLIN)
fd = libc.syscall(SECCOMP, 1, 8, header)
print(fd, flush=True)
try:
    own.bind(('127.0.0.1', 3000))
    print('bound', flush=True)
    own.listen(1)
    print('listens', flush=True)
except OSError as error:
    print(error.strerror, flush=True)
input()
`;

async function boundProgram(): Promise<{ child: ReturnType<typeof python>; notify: number }> {
  const child = python(program);
  const theirs = Number(await line(child));
  const pidfd = closedAfterTest(pidfdOpen(child.pid ?? 0) ?? -1);
  return { child, notify: closedAfterTest(pidfdGetFd(pidfd, theirs) ?? -1) };
}

async function readable(fd: number): Promise<void> {
  const { promise, resolve } = deferred();
  const watch = testPoller().watch(fd, EPOLLIN, () => {
    watch.end();
    resolve();
  });
  await promise;
}

/** A call has been received and not been answered (poll(2) of the notify descriptor says POLLOUT). */
const waits = (notify: number): boolean => eventsNow(notify, POLLOUT) !== 0;
const openFds = (): number => readdirSync('/proc/self/fd').length;
const events = { giving: () => {}, willListen: () => {}, listening: () => {}, failed: () => {}, shutdownRefused: () => {}, mendEpoll: () => Promise.resolve() };

test('a call that is interrupted while it is looked at leaves no descriptor behind, and is answered when it comes again', async () => {
  const { child, notify } = await boundProgram();
  const listener = listening();
  const pairing: Pairing = { port: { kind: 'tcp', port: 3000 }, listener };
  let interrupt = true;
  const mended: number[] = [];
  const adoption = new Adoption(notify, () => [listener], () => {
    if (interrupt) {
      // Asked between receiving the call and the last look at whether it still waits.
      interrupt = false;
      child.kill('SIGUSR1');
      // Made anew, it waits to be received.
      while (eventsNow(notify, EPOLLIN) === 0) continue;
    }
    return [pairing];
  }, { ...events, mendEpoll: (registrations) => {
    mended.push(registrations.length);
    return Promise.resolve();
  } });
  await readable(notify);
  const before = openFds();
  await adoption.answerOne();
  expect(interrupt).toBe(false);
  expect(mended).toEqual([]);
  expect(openFds()).toBe(before);
  await readable(notify);
  await adoption.answerOne();
  expect([await line(child), await line(child)]).toEqual(['interrupted', 'bound']);
  expect(mended).toEqual([2]);
  expect(openFds()).toBe(before);
});

test('an activator dies while it mends epoll sets: the next one finds them as they were', async () => {
  const { child, notify } = await boundProgram();
  const listener = listening();
  const given: string[] = [];
  const found: number[] = [];
  const adopting = (mend: () => Promise<void>): Adoption => new Adoption(notify, () => [listener], () => [{ port: { kind: 'tcp', port: 3000 }, listener }], {
    ...events, giving: ({ text }) => void given.push(text), mendEpoll: (registrations) => {
      found.push(registrations.length);
      return mend();
    },
  });
  await readable(notify);
  const began = deferred();
  void adopting(() => {
    began.resolve();
    return new Promise(() => {});
  }).answerOne();
  await began.promise;
  expect(given).toEqual([]);
  child.kill('SIGUSR1');
  await readable(notify);
  await adopting(() => Promise.resolve()).answerOne();
  expect([await line(child), await line(child)]).toEqual(['interrupted', 'bound']);
  expect(found).toEqual([2, 2]);
  expect(given).toEqual([listener.text]);
});

test('a program that is killed while its epoll sets are mended is given nothing: the socket may be another one\'s by then', async () => {
  const { child, notify } = await boundProgram();
  const listener = listening();
  const flags = getStatusFlags(listener.fd);
  const told: string[] = [];
  const tell = (what: string) => () => void told.push(what);
  const adoption = new Adoption(notify, () => [listener], () => [{ port: { kind: 'tcp', port: 3000 }, listener }], {
    ...events, giving: tell('giving'), willListen: tell('listens'), failed: tell('failed'), mendEpoll: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  });
  await readable(notify);
  const before = openFds();
  await adoption.answerOne();
  expect(told).toEqual([]);
  expect(getStatusFlags(listener.fd)).toBe(flags);
  // The streams of the child are gone.
  expect(openFds()).toBeLessThanOrEqual(before);
});

test('what does not fit fails by name and leaves no descriptor behind', async () => {
  const { child, notify } = await boundProgram();
  const listener = listening('ipv6');
  const failures: string[] = [];
  const adoption = new Adoption(notify, () => [listener], () => [{ port: { kind: 'tcp', port: 3000 }, listener }], {
    ...events, failed: ({ code }) => void failures.push(code),
  });
  await readable(notify);
  const before = openFds();
  await adoption.answerOne();
  expect(failures).toEqual(['ERR_WAKESOCK_ADOPT_FAMILY']);
  expect(openFds()).toBe(before);
  expect(await line(child)).toBe('Cannot assign requested address');
});

test('`listen` is announced before it is answered, and told of when the program goes on already', async () => {
  const { child, notify } = await boundProgram();
  const listener = listening();
  const told: string[] = [];
  const adoption = new Adoption(notify, () => [listener], () => [{ port: { kind: 'tcp', port: 3000 }, listener }], {
    ...events,
    willListen: ({ inode }) => void told.push(`will listen on ${inode}, ${waits(notify) ? 'waits' : 'goes on'}`),
    listening: ({ inode }) => void told.push(`listens on ${inode}, ${waits(notify) ? 'waits' : 'goes on'}`),
  });
  await readable(notify);
  await adoption.answerOne();
  await readable(notify);
  await adoption.answerOne();
  expect([await line(child), await line(child)]).toEqual(['bound', 'listens']);
  expect(told).toEqual([`will listen on ${listener.inode}, waits`, `listens on ${listener.inode}, goes on`]);
});
