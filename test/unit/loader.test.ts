import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readKept, writeKept } from '../../src/loader.ts';

const kept = new Map([
  ['/dist/a.cjs', { source: 'v20 1', code: Buffer.from('compiled a') }],
  ['/dist/b.cjs', { source: 'v20 2', code: Buffer.alloc(100_000, 7) }],
]);

function written(): string {
  const directory = mkdtempSync(join(tmpdir(), 'loader-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeKept(`${directory}/code`, kept);
  return `${directory}/code`;
}

test('what is kept comes back', () => {
  expect(readKept(written())).toEqual(kept);
});

test('nothing comes back where there is nothing', () => {
  expect(readKept('/nonexistent/code')).toEqual(new Map());
});

// V8 ends the process over code that is not whole (Node 20 and 24: exit by SIGTRAP over zeros at its end).
test('nothing comes back of what is not whole', () => {
  const path = written();
  const whole = readFileSync(path);
  const broken: Record<string, Buffer> = {
    'empty': Buffer.alloc(0),
    'all zeros': Buffer.alloc(whole.length),
    'half of it': whole.subarray(0, whole.length / 2),
    'cut off': whole.subarray(0, whole.length - 1),
    'zeros at its end': Buffer.concat([whole.subarray(0, whole.length - 5_000), Buffer.alloc(5_000)]),
    'an index that is none': Buffer.from('{}{}{}{}{}{}{}{}'),
  };
  for (let at = 0; at < whole.length; at += 997) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    broken[`one bit at ${at}`] = bytes;
  }
  for (const [what, bytes] of Object.entries(broken)) {
    writeFileSync(path, bytes);
    expect(readKept(path), what).toEqual(new Map());
  }
});
