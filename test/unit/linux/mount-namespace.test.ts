import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { inPrivateMounts, mountOverlay } from '../../../src/linux/mount-namespace.ts';
import { temporaryDirectory } from '../sockets/kit.ts';

const namespace = (): string => readlinkSync('/proc/thread-self/ns/mnt');
const mountCount = (): number => readFileSync('/proc/thread-self/mountinfo', 'utf8').split('\n').length;

function places(): { directory: string; mount: () => void } {
  const directory = temporaryDirectory();
  for (const name of ['low', 'high', 'target']) mkdirSync(`${directory}/${name}`);
  writeFileSync(`${directory}/low/file`, 'low');
  writeFileSync(`${directory}/high/other`, 'high');
  return { directory, mount: () => mountOverlay(directory, `${directory}/target`, 'lowerdir=high:low') };
}

test('what is mounted is seen within, by who is started within, and by nobody else', async () => {
  const { directory, mount } = places();
  const before = [namespace(), mountCount(), process.cwd()];
  const elsewhere = inPrivateMounts(() => {
    mount();
    expect(namespace()).not.toBe(before[0]);
    expect(readFileSync(`${directory}/target/file`, 'utf8')).toBe('low');
    expect(execFileSync('cat', [`${directory}/target/other`], { encoding: 'utf8' })).toBe('high');
    // Another thread, which stayed where it was.
    return readFile(`${directory}/target/file`).then(() => 'seen', (error: NodeJS.ErrnoException) => error.code);
  });
  expect(await elsewhere).toBe('ENOENT');
  expect([namespace(), mountCount(), process.cwd()]).toEqual(before);
  // A mount point could not be removed.
  rmdirSync(`${directory}/target`);
});

test('the way back is found after an error, and from another directory', () => {
  const { directory } = places();
  const before = [namespace(), process.cwd()];
  expect(() => inPrivateMounts(() => {
    process.chdir(directory);
    throw new Error('in between');
  })).toThrow('in between');
  expect(() => inPrivateMounts(() => mountOverlay('/', `${directory}/target`, 'lowerdir=/not-there'))).toThrow('ENOENT');
  expect([namespace(), process.cwd()]).toEqual(before);
  expect(readlinkSync('/proc/thread-self/cwd')).toBe(before[1]);
});

test('device nodes in it cannot be opened', () => {
  const { directory, mount } = places();
  execFileSync('mknod', [`${directory}/low/null`, 'c', '1', '3']);
  chmodSync(`${directory}/low/null`, 0o666);
  inPrivateMounts(() => {
    mount();
    expect(() => readFileSync(`${directory}/target/null`)).toThrow(expect.objectContaining({ code: 'EACCES' }));
  });
});
