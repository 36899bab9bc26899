import { once } from 'node:events';
import { readSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unreadMsMax } from '../../../src/base/limits.ts';
import { isErrno } from '../../../src/linux/libc.ts';
import { acceptConnection } from '../../../src/linux/socket.ts';
import { isNobody, lookAt } from '../../../src/idle/activity.ts';
import { openListener, type Listener } from '../../../src/sockets/listener.ts';
import { closedAfterTest, connected, listening } from '../sockets/kit.ts';

const nobody = { waiting: 0, halfOpen: 0, established: 0, unreadMs: Infinity, quietMs: Infinity };

const accept = (listener: Listener): number => closedAfterTest(acceptConnection(listener.fd) ?? -1);

test('no socket at all is nobody', () => {
  expect(lookAt([])).toEqual(nobody);
});

describe.each(['ipv4', 'ipv6', 'unix'] as const)('%s', (family) => {
  test('nobody', () => {
    expect(lookAt([listening(family)])).toEqual(nobody);
  });

  test('one who waits', async () => {
    const listener = listening(family);
    await connected(listener);
    expect(lookAt([listener]).waiting).toBe(1);
  });

  test('one who is served, and what the program has not read', async () => {
    const listener = listening(family);
    const socket = await connected(listener);
    accept(listener);
    expect(lookAt([listener])).toMatchObject({ waiting: 0, established: 1, unreadMs: Infinity });
    expect(lookAt([listener]).quietMs).toBeLessThan(5_000);
    await new Promise((resolve) => socket.write('x', resolve));
    expect(lookAt([listener])).toMatchObject({ established: 1 });
    expect(lookAt([listener]).unreadMs).toBeLessThan(5_000);
  });

  test('clients of another site are not its own', async () => {
    const [listener, other] = [listening(family), listening(family)];
    const socket = await connected(other);
    accept(other);
    await connected(other);
    await new Promise((resolve) => socket.write('x', resolve));
    expect(lookAt([listener])).toEqual(nobody);
  });

  test('who has gone is not counted', async () => {
    const listener = listening(family);
    const socket = await connected(listener);
    accept(listener);
    const closed = once(socket, 'close');
    if (family === 'unix') return;
    socket.resetAndDestroy();
    await closed;
    expect(lookAt([listener])).toEqual(nobody);
  });
});

test('a site with several addresses: all count, the most recent tells how quiet it is', async () => {
  const [first, second, unix] = [listening(), listening('ipv6'), listening('unix')];
  await connected(first);
  await connected(second);
  accept(second);
  expect(lookAt([first, second, unix])).toMatchObject({ waiting: 1, established: 2 });
  await connected(unix);
  accept(unix);
  expect(lookAt([first, second, unix])).toMatchObject({ waiting: 1, established: 3, quietMs: 0 });
});

test('what is not read grows old, a FIN too', async () => {
  const listener = listening();
  const socket = await connected(listener);
  const fd = accept(listener);
  await new Promise<void>((resolve) => socket.end('x', resolve));
  while (lookAt([listener]).unreadMs < 20) await new Promise(setImmediate);
  // Read but for the FIN, which counts as a byte.
  expect(readSync(fd, Buffer.alloc(9))).toBe(1);
  expect(lookAt([listener])).toMatchObject({ established: 1 });
  expect(lookAt([listener]).unreadMs).toBeGreaterThanOrEqual(20);
});

test('an answer counts as activity', async () => {
  const listener = listening();
  const socket = await connected(listener);
  const fd = accept(listener);
  writeSync(fd, 'answer');
  await once(socket, 'data');
  expect(lookAt([listener]).quietMs).toBeLessThan(5_000);
});

test('a listener on one address does not see the clients of another address with the same port', async () => {
  const [one, other] = onOnePort();
  await connected(one);
  accept(one);
  expect(lookAt([other])).toEqual(nobody);
});

/** Another test may have the port on all addresses. */
function onOnePort(): [Listener, Listener] {
  for (;;) {
    const one = listening();
    try {
      const other = openListener({ family: 'ipv4', address: '127.0.0.2', port: 'port' in one.address ? one.address.port : 0 });
      closedAfterTest(other.fd);
      return [one, other];
    } catch (error) {
      if (!isErrno((error as Error).cause, 'EADDRINUSE')) throw error;
    }
  }
}

describe('nobody is there', () => {
  const served = { ...nobody, established: 1, quietMs: 5_000 };

  test.each([
    [nobody, true], [served, true], [{ ...served, quietMs: 4_999 }, false], [{ ...nobody, waiting: 1 }, false], [{ ...nobody, halfOpen: 1 }, false],
  ])('%j: %s', (activity, quiet) => {
    expect(isNobody(activity, 5_000)).toBe(quiet);
  });

  test('what a slow program has not read yet holds it, what nobody ever reads does not hold it for ever', () => {
    expect(isNobody({ ...served, unreadMs: unreadMsMax - 1 }, 5_000)).toBe(false);
    expect(isNobody({ ...served, quietMs: unreadMsMax, unreadMs: unreadMsMax }, 5_000)).toBe(true);
    // A longer IdleSec= is for these bytes as for any other.
    expect(isNobody({ ...served, quietMs: unreadMsMax, unreadMs: unreadMsMax }, 2 * unreadMsMax)).toBe(false);
  });
});
