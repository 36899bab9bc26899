import { once } from 'node:events';
import { expect, test } from 'vitest';
import { acceptAndClose } from '../../../src/sockets/refuse.ts';
import { connected, listening } from './kit.ts';

test('who waits is closed, then nobody', async () => {
  const listener = listening();
  const socket = await connected(listener);
  const closed = once(socket.resume(), 'close');
  expect(acceptAndClose(listener.fd)).toBe(true);
  await closed;
  expect(acceptAndClose(listener.fd)).toBe(false);
});
