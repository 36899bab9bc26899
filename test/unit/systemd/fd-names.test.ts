import { expect, test } from 'vitest';
import { FdNames } from '../../../src/systemd/fd-names.ts';

test('takes names until no more fit, and has room again for those that were dropped', () => {
  // An empty LISTEN_FDNAMES is counted as one colon.
  const names = new FdNames('', 20);
  // A colon each, also where none follows.
  expect(names.take('notify=a', 1)).toBe(true);
  expect(names.take('stdout=a', 1)).toBe(true);
  expect(names.take('x', 1)).toBe(false);
  names.drop('notify=a');
  names.drop('notify=a');
  names.drop('unknown=b');
  expect(names.take('notify=bcd', 1)).toBe(false);
  expect(names.take('notify=bc', 1)).toBe(true);
});

test('a name counts once for each descriptor, and all of them go together', () => {
  const names = new FdNames('', 18);
  expect(names.take('a=', 6)).toBe(false);
  expect(names.take('a=', 3)).toBe(true);
  expect(names.take('a=', 2)).toBe(true);
  expect(names.take('b=', 1)).toBe(false);
  names.drop('a=');
  expect(names.take('b=', 5)).toBe(true);
});

test('what was inherited is there already: sockets stay, what is stored may be dropped', () => {
  const names = new FdNames('control:a:notify=a:notify=a', 28);
  expect(names.take('', 1)).toBe(false);
  names.drop('control');
  names.drop('a');
  expect(names.take('', 1)).toBe(false);
  names.drop('notify=a');
  expect(names.take('12345678901234567', 1)).toBe(true);
  expect(names.take('', 1)).toBe(false);
});
