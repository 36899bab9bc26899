/** Files that the front door sends, in a directory that a site writes: nothing in it makes us send another, wait, or hold more than we may. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { frontFileBytesMax } from '../../../src/base/limits.ts';
import { FrontFiles } from '../../../src/front/front-files.ts';

let base: string;
let warnings: string[];
let files: FrontFiles;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'wakesock-front-files-')));
  warnings = [];
  files = new FrontFiles({ warn: (message) => { warnings.push(message.replaceAll(base, '')); } });
  mkdirSync(`${base}/public`);
  mkdirSync(`${base}/private`);
  writeFileSync(`${base}/private/feed.xml`, 'private');
});
afterEach(() => rmSync(base, { recursive: true }));

const read = (): string | undefined => files.read(`${base}/public/feed.xml`)?.toString();

test('what is there is sent, and what has taken its place', () => {
  writeFileSync(`${base}/public/feed.xml`, 'one');
  expect(read()).toBe('one');
  expect(read()).toBe('one');
  writeFileSync(`${base}/public/new`, 'two');
  renameSync(`${base}/public/new`, `${base}/public/feed.xml`);
  expect(read()).toBe('two');
  rmSync(`${base}/public/feed.xml`);
  expect(read()).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('/public/feed.xml cannot be sent: ENOENT') as string]);
});

test('a link is not followed, however it was before', () => {
  writeFileSync(`${base}/public/feed.xml`, 'one');
  expect(read()).toBe('one');
  rmSync(`${base}/public/feed.xml`);
  symlinkSync('../private/feed.xml', `${base}/public/feed.xml`);
  expect(read()).toBeUndefined();
  expect(read()).toBeUndefined();
  expect(warnings).toEqual(['/public/feed.xml cannot be sent: a link is on the way there, and links are not followed']);
});

test('nor is one in the place of a directory', () => {
  rmSync(`${base}/public`, { recursive: true });
  symlinkSync('private', `${base}/public`);
  expect(read()).toBeUndefined();
});

// Where it is waited at, this does not end.
test('a FIFO is not waited at, a directory and what is too large are not sent', () => {
  execFileSync('mkfifo', [`${base}/public/feed.xml`]);
  expect(read()).toBeUndefined();
  rmSync(`${base}/public/feed.xml`);
  mkdirSync(`${base}/public/feed.xml`);
  expect(read()).toBeUndefined();
  rmSync(`${base}/public/feed.xml`, { recursive: true });
  writeFileSync(`${base}/public/feed.xml`, 'x'.repeat(frontFileBytesMax + 1));
  expect(read()).toBeUndefined();
  expect(warnings).toEqual([...Array.from({ length: 1 }, () => '/public/feed.xml cannot be sent: it is no file'), `/public/feed.xml cannot be sent: it has ${frontFileBytesMax + 1} bytes, of ${frontFileBytesMax} at most`]);
});
