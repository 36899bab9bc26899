import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { keepWhole, readKept, writeKept } from '../../src/loader.ts';

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

test('for another process whole files are compiled, in a way that V8 takes, and again only when one has changed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'loader-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [path, file] = [`${directory}/front`, `${directory}/a.cjs`];
  const functions = Array.from({ length: 200 }, (_, i) => `exports.f${i} = (a) => { const b = a * ${i}; return [a, b, 'text ${i}']; };`).join('\n');
  writeFileSync(file, functions);
  keepWhole(path, [file]);
  const { mode, ino } = statSync(path);
  // It is read by somebody else, and written by nobody else.
  expect((mode & 0o777).toString(8)).toBe('644');
  const text = `(function (exports, require, module, __filename, __dirname) {${functions}\n})`;
  const { code } = readKept(path).get(file) ?? expect.fail();
  const script = new Script(text, { filename: file, cachedData: code });
  expect(script.cachedDataRejected).toBe(false);
  // None of them was called.
  expect(code.length).toBeGreaterThan(2 * new Script(`${text} `, { filename: file }).createCachedData().length);
  keepWhole(path, [file]);
  expect(statSync(path).ino).toBe(ino);
  writeFileSync(file, `${functions}\nexports.more = 1;`);
  keepWhole(path, [file]);
  expect(readKept(path).get(file)?.code.equals(code)).toBe(false);
});
