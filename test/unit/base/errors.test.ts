import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeError, WakesockError } from '../../../src/base/errors.ts';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('Expected it to throw');
}

test.each([
  ['a code of ours is kept', () => { throw new WakesockError('ERR_WAKESOCK_BUSY', 'in use'); }, 'ERR_WAKESOCK_BUSY', 'in use'],
  ['what the system said is the world\'s', () => readFileSync('/nowhere/at/all'), 'ERR_WAKESOCK_SYSCALL', 'ENOENT: no such file or directory, open \'/nowhere/at/all\''],
  ['anything else is our bug', () => JSON.parse('{'), 'ERR_WAKESOCK_INTERNAL', expect.stringContaining('JSON')],
  ['whatever was thrown', () => { throw 'text'; }, 'ERR_WAKESOCK_INTERNAL', 'text'],
])('%s', (_, action, code, message) => {
  expect(describeError(thrownBy(action))).toEqual({ code, message });
});
