/** Ten megabytes of what parsers trip over go through every reader, which throws nothing but its own error, and do not exhaust the memory. */
import { test } from 'vitest';
import { attempt, readers } from '../support/unitfile-readers.ts';

const length = 10_000_000;
/** Brackets, quotes, backslashes, continuation lines, lines, assignments, words. */
const pieces = ['[', '"', '\\', '\\\n', '\n', 'a=b\n', 'a '];

test.each(Object.entries(readers))('%s', (_name, read) => {
  for (const piece of pieces) {
    const text = piece.repeat(length / piece.length);
    for (const whole of [text, `[Service]\nExecStart=/a ${text}`]) attempt(read, whole);
  }
});
