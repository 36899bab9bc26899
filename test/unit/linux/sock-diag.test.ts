import { once } from 'node:events';
import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { EPOLLIN } from '../../../src/linux/epoll.ts';
import { setFilter } from '../../../src/linux/filter.ts';
import { closeFd } from '../../../src/linux/libc.ts';
import { inetSockets, openDestroyedSockets, readDestroyed, unixSockets, watchAddresses, type InetSocket, type LocalAddress } from '../../../src/linux/sock-diag.ts';
import { AF_UNIX, SOCK_STREAM } from '../../../src/linux/constants.ts';
import { acceptConnection, bindSocket, listenSocket, openSocket } from '../../../src/linux/socket.ts';
import type { Listener } from '../../../src/sockets/listener.ts';
import { closedAfterTest, connected, listening, testPoller } from '../sockets/kit.ts';

function portOf({ address }: Listener): number {
  return 'port' in address ? address.port : 0;
}

function socketsOf(listener: Listener): InetSocket[] {
  return inetSockets(listener.family === 'ipv6' ? 'ipv6' : 'ipv4', portOf(listener));
}

function accepted(listener: Listener): number {
  return closedAfterTest(acceptConnection(listener.fd) ?? -1);
}

/** Ends with a reset, so that the other side's socket is destroyed at once. */
async function reset(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.resetAndDestroy();
  await closed;
}

function heard(fd: number): Promise<LocalAddress[] | null> {
  return new Promise((resolve) => {
    const watch = testPoller().watch(fd, EPOLLIN, () => {
      watch.end();
      resolve(readDestroyed(fd));
    });
  });
}

async function comeAndGo(listener: Listener): Promise<void> {
  const socket = await connected(listener);
  const fd = acceptConnection(listener.fd) ?? -1;
  await reset(socket);
  closeFd(fd);
}

describe.each(['ipv4', 'ipv6'] as const)('%s', (family) => {
  test('a listener: who waits, and how many may', async () => {
    const listener = listening(family);
    listenSocket(listener.fd, 7);
    await connected(listener);
    await connected(listener);
    expect(socketsOf(listener).filter(({ state }) => state === 'listen')).toEqual([
      { state: 'listen', inode: listener.inode, localAddress: family === 'ipv4' ? '127.0.0.1' : '::', localPort: portOf(listener), receiveQueue: 2, sendQueue: 7, lastReceivedMs: null, lastSentMs: null, shutDown: false },
    ]);
  });

  test('a connection: what waits to be read, and since when it is silent', async () => {
    const listener = listening(family);
    const socket = await connected(listener);
    const fd = accepted(listener);
    const written = new Promise((resolve) => socket.write('seven b', resolve));
    await written;
    const connection = socketsOf(listener).find(({ state }) => state === 'established');
    expect(connection).toMatchObject({ receiveQueue: 7, sendQueue: 0, localPort: portOf(listener) });
    expect(connection?.lastReceivedMs).toBeLessThan(5_000);
    expect(connection?.lastSentMs).toBeLessThan(5_000);
    expect(connection?.inode).toBeGreaterThan(0);
    writeSync(fd, 'answer');
    await once(socket, 'data');
    expect(socketsOf(listener).find(({ state }) => state === 'established')?.lastSentMs).toBeLessThan(5_000);
  });
});

test('a client that has sent all it will send still counts as connected', async () => {
  const listener = listening();
  const socket = await connected(listener);
  accepted(listener);
  // Its FIN is on its way when the loopback has taken it: the write before it is answered by the kernel in order.
  await new Promise<void>((resolve) => socket.end('x', resolve));
  expect(socketsOf(listener).filter(({ state }) => state === 'established')).toHaveLength(1);
});

test('a handshake that is not over', async () => {
  const listener = listening();
  // Only SYNs reach it: the client thinks that it is connected, its last packet has not arrived.
  setFilter(listener.fd, [
    { code: 0x30, jt: 0, jf: 0, k: 13 },
    { code: 0x54, jt: 0, jf: 0, k: 0x02 },
    { code: 0x15, jt: 1, jf: 0, k: 0 },
    { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
    { code: 0x06, jt: 0, jf: 0, k: 0 },
  ]);
  await connected(listener);
  expect(socketsOf(listener).map(({ state, receiveQueue }) => [state, receiveQueue]).toSorted()).toEqual([['half-open', 0], ['listen', 0]]);
});

test('a few hundred connections come in several messages', async () => {
  const listener = listening();
  await Promise.all(Array.from({ length: 300 }, () => connected(listener)));
  expect(socketsOf(listener).filter(({ state }) => state === 'established')).toHaveLength(300);
});

describe('UNIX', () => {
  test('a listener and its connections have its name', async () => {
    const listener = listening('unix');
    const name = listener.address.family === 'unix' ? listener.address.path : '';
    listenSocket(listener.fd, 9);
    const socket = await connected(listener);
    accepted(listener);
    await connected(listener);
    await new Promise((resolve) => socket.write('abc', resolve));
    const found = unixSockets(new Set([name]));
    expect(found.find((one) => one.listening)).toEqual({ listening: true, inode: listener.inode, name, receiveQueue: 1, sendQueue: 9 });
    // Who is not accepted yet has no name: the listener's queue counts it.
    expect(found.filter((one) => !one.listening).map(({ receiveQueue }) => receiveQueue > 0)).toEqual([true]);
    expect(unixSockets(null)).toEqual(expect.arrayContaining(found.filter((one) => one.listening)));
    expect(unixSockets(new Set([`${name}x`]))).toEqual([]);
  });

  test('an abstract name', () => {
    const fd = closedAfterTest(openSocket(AF_UNIX, SOCK_STREAM));
    bindSocket(fd, { family: 'unix', path: '@wakesock-diag' });
    listenSocket(fd, 3);
    expect(unixSockets(new Set(['@wakesock-diag']))).toMatchObject([{ listening: true, sendQueue: 3 }]);
  });
});

const at = (address: string, port: number): LocalAddress => ({ family: address.includes(':') ? 'ipv6' : 'ipv4', address, port });
const many = (count: number): LocalAddress[] => Array.from({ length: count }, (_, index) => at('0.0.0.0', index + 1));

describe('destroyed sockets', () => {
  test.each(['127.0.0.1', '0.0.0.0'])('only those of watched addresses are told: %s', async (address) => {
    const fd = closedAfterTest(openDestroyedSockets());
    const [other, watched] = [listening(), listening()];
    const port = portOf(watched);
    watchAddresses(fd, [at('0.0.0.0', 1), at('127.0.0.2', port), at('::', port), at(address, port), at('127.0.0.1', 2)]);
    await comeAndGo(other);
    await comeAndGo(watched);
    expect(await heard(fd)).toEqual([at('127.0.0.1', port)]);
  });

  test.each([['127.0.0.2'], ['::'], ['::1'], ['::ffff:127.0.0.1']])('another address of the port is not: %s', async (address) => {
    const fd = closedAfterTest(openDestroyedSockets());
    const [other, watched] = [listening(), listening()];
    watchAddresses(fd, [at(address, portOf(other)), at('127.0.0.1', portOf(watched))]);
    await comeAndGo(other);
    await comeAndGo(watched);
    expect(await heard(fd)).toEqual([at('127.0.0.1', portOf(watched))]);
  });

  test.each([1, 250])('the last of %i addresses', async (count) => {
    const fd = closedAfterTest(openDestroyedSockets());
    const listener = listening();
    watchAddresses(fd, [...many(count - 1), at('127.0.0.1', portOf(listener))]);
    await comeAndGo(listener);
    expect(await heard(fd)).toEqual([at('127.0.0.1', portOf(listener))]);
  });

  test('too many to tell apart: all are told', async () => {
    const fd = closedAfterTest(openDestroyedSockets());
    const listener = listening();
    watchAddresses(fd, many(5000));
    await comeAndGo(listener);
    // Among them those of others, who may have been first.
    const told: LocalAddress[] = [];
    while (!told.some(({ port }) => port === portOf(listener))) told.push(...await heard(fd) ?? []);
    expect(told).toContainEqual(at('127.0.0.1', portOf(listener)));
  });

  test('nothing is read where nothing was told', () => {
    expect(readDestroyed(closedAfterTest(openDestroyedSockets()))).toEqual([]);
  });

  test.each(['::', '::ffff:7f00:1'])('of an IPv4 client of an IPv6 socket too: %s', async (address) => {
    const fd = closedAfterTest(openDestroyedSockets());
    const listener = listening('ipv6');
    watchAddresses(fd, [at('::1', portOf(listener)), at(address, portOf(listener))]);
    await comeAndGo(listener);
    expect(await heard(fd)).toEqual([at('::ffff:7f00:1', portOf(listener))]);
  });
});
