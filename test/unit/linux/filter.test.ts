import { expect, test } from 'vitest';
import { clearFilter, hasFilter, setFilter } from '../../../src/linux/filter.ts';
import { listening, pythonDone } from '../sockets/kit.ts';

const acceptAll = { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff };

test('set, replaced, cleared, cleared again', () => {
  const { fd } = listening();
  expect(hasFilter(fd)).toBe(false);
  setFilter(fd, [acceptAll]);
  setFilter(fd, [acceptAll, acceptAll]);
  expect(hasFilter(fd)).toBe(true);
  clearFilter(fd);
  expect(hasFilter(fd)).toBe(false);
  clearFilter(fd);
});

test('a program that is none is refused', () => {
  expect(() => setFilter(listening().fd, [{ code: 0xffff, jt: 0, jf: 0, k: 0 }])).toThrow(expect.objectContaining({ errnoName: 'EINVAL' }));
});

test('what another holder of the socket attached is seen and taken off', async () => {
  const { fd } = listening();
  await pythonDone(
    'import ctypes, socket, struct\n'
    + 'code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xffffffff))\n'
    + 'socket.socket(fileno=3).setsockopt(1, 26, struct.pack("HxxxxxxQ", 1, ctypes.addressof(code)))', [fd]);
  expect(hasFilter(fd)).toBe(true);
  clearFilter(fd);
  expect(hasFilter(fd)).toBe(false);
});
