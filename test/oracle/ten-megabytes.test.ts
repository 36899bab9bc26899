/** Ten megabytes of what parsers trip over go through every reader, which throws nothing but its own error, and do not exhaust the memory. */
import { test } from 'vitest';
import { attempt, readers } from '../support/unitfile-readers.ts';

const length = 10_000_000;
/** Where it makes a difference whether the text is a value. */
const ofUnits = new Set(['parseUnit', 'checkUnit', 'mergeUnits', 'setKey']);
/** Brackets, quotes, backslashes, continuation lines, lines. */
const pieces = ['[', '"', '\\', '\\\n', '\n'];

test.each(Object.entries(readers))('%s', (name, read) => {
  for (const piece of pieces) {
    const text = piece.repeat(length / piece.length);
    attempt(read, text);
    if (ofUnits.has(name)) attempt(read, `[Service]\nExecStart=/a ${text}`);
  }
}, 10 * 60_000);
