import { once } from 'node:events';
import { expect, test } from 'vitest';
import { CameAndWent } from '../../../src/idle/came-and-went.ts';
import type { LocalAddress } from '../../../src/linux/sock-diag.ts';
import { closeFd } from '../../../src/linux/libc.ts';
import { acceptConnection } from '../../../src/linux/socket.ts';
import { openListener, type Listener } from '../../../src/sockets/listener.ts';
import { closedAfterTest, connected, deferred, listening, testPoller } from '../sockets/kit.ts';
import { onTestFinished } from 'vitest';

const LONG_MS = 60_000;

const addressesOf = (...listeners: Listener[]): LocalAddress[] => listeners.flatMap(({ address }) => ('port' in address ? [address] : []));

async function comeAndGo(listener: Listener): Promise<void> {
  const socket = await connected(listener);
  const fd = acceptConnection(listener.fd) ?? -1;
  const closed = once(socket, 'close');
  socket.resetAndDestroy();
  await closed;
  closeFd(fd);
}

/** Counts what a site hears, and waits for it. */
function subscribe(to: CameAndWent, addresses: readonly LocalAddress[], quantumMs: number): { count: number; heard: () => Promise<void>; end: () => void } {
  let next = deferred();
  const ear = {
    count: 0,
    heard: () => {
      next = deferred();
      return next.promise;
    },
    end: () => {},
  };
  ear.end = to.subscribe(addresses, quantumMs, () => {
    ear.count += 1;
    next.resolve();
  });
  onTestFinished(ear.end);
  return ear;
}

test('a site hears of its own connections, and a paused one does not keep others from hearing', async () => {
  const [first, second] = [listening(), listening()];
  const all = new CameAndWent(testPoller());
  const one = subscribe(all, addressesOf(first), LONG_MS);
  const other = subscribe(all, addressesOf(second), LONG_MS);
  const heard = one.heard();
  await comeAndGo(first);
  await heard;
  expect([one.count, other.count]).toEqual([1, 0]);
  // The first has heard what it needs for a long while; the second hears what comes after that.
  const otherHeard = other.heard();
  await comeAndGo(first);
  await comeAndGo(second);
  await otherHeard;
  expect([one.count, other.count]).toEqual([1, 1]);
});

test('after its quantum it hears again', async () => {
  const listener = listening();
  const all = new CameAndWent(testPoller());
  const ear = subscribe(all, addressesOf(listener), 1);
  // While it pauses it is deaf: clients come until one is heard.
  for (const count of [1, 2, 3]) while (ear.count < count) await comeAndGo(listener);
  expect(ear.count).toBe(3);
});

test('who has unsubscribed hears nothing, not even from within a call', async () => {
  const [first, second] = [listening(), listening()];
  const all = new CameAndWent(testPoller());
  const gone = subscribe(all, addressesOf(first), 1);
  const stays = subscribe(all, addressesOf(second), LONG_MS);
  gone.end();
  const heard = stays.heard();
  await comeAndGo(first);
  await comeAndGo(second);
  await heard;
  stays.end();
  stays.end();
  expect(gone.count).toBe(0);
  // The socket was closed with the last; it is opened again for the next.
  const again = subscribe(all, addressesOf(second), LONG_MS);
  const heardAgain = again.heard();
  await comeAndGo(second);
  await heardAgain;
  expect([again.count, stays.count]).toEqual([1, 1]);
});

test('several ports of one site', async () => {
  const [first, second] = [listening(), listening('ipv6')];
  const ear = subscribe(new CameAndWent(testPoller()), addressesOf(first, second), LONG_MS);
  const heard = ear.heard();
  await comeAndGo(second);
  await heard;
});

test('a site with no port hears nothing and costs nothing', () => {
  expect(subscribe(new CameAndWent(testPoller()), [], 1).count).toBe(0);
});

test('two sites on one port of different addresses do not hear of each other', async () => {
  const one = listening();
  const [address] = addressesOf(one);
  if (address === undefined) throw new Error('no address');
  const other = openListener({ ...address, address: '127.0.0.2' });
  closedAfterTest(other.fd);
  const all = new CameAndWent(testPoller());
  const ofOne = subscribe(all, addressesOf(one), LONG_MS);
  const ofOther = subscribe(all, addressesOf(other), 1);
  const heard = ofOne.heard();
  await comeAndGo(one);
  await heard;
  expect([ofOne.count, ofOther.count]).toEqual([1, 0]);
});
