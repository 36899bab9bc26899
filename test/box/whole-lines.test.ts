import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { wholeLines } from './whole-lines.ts';

test('lines come whole, however they arrive, and the last one only if it is', async () => {
  const stream = new PassThrough();
  const seen: string[] = [];
  wholeLines(stream, (line) => seen.push(line));
  const bytes = Buffer.from('one\n\nzwö');
  for (const byte of bytes) stream.write(Buffer.from([byte]));
  stream.end('lf\n{"cut');
  await once(stream, 'end');
  expect(seen).toEqual(['one', '', 'zwölf']);
});
