import { chmodSync, chownSync, closeSync, constants, fchmodSync, fchownSync, mkdirSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { bindIdmapped, openUnchangeable, tryIdmapped } from '../../../src/linux/detached-mount.ts';
import { asOwnerOf } from '../../../src/linux/file-owner.ts';
import { inPrivateMounts } from '../../../src/linux/mount-namespace.ts';
import { withUserNamespace } from '../../../src/linux/user-namespace.ts';
import { mountedDirectory } from '../image/fixtures.ts';

const ids = { first: 700_000_000, count: 65_536 };
const capabilities = (): string => /^CapEff:.*$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[0] ?? '';
const owner = (): string => /^Uid:.*$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[0] ?? '';
/** Other tests mount things, too. */
const mountsOf = (directory: string): string[] => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(dirname(directory)));

function places(): { source: string; target: string } {
  const directory = mountedDirectory();
  const [source, target] = [`${directory}/source`, `${directory}/target`];
  mkdirSync(source);
  mkdirSync(target);
  writeFileSync(`${source}/file`, 'x');
  chownSync(`${source}/file`, 33, 34);
  return { source, target };
}

test('files belong to others through the mount, what is made there to those of the disk, and no file is changed', () => {
  const { source, target } = places();
  inPrivateMounts(() => {
    withUserNamespace(ids, (userNamespace) => bindIdmapped(source, target, userNamespace));
    expect(statSync(`${target}/file`)).toMatchObject({ uid: ids.first + 33, gid: ids.first + 34 });
    chmodSync(target, 0o777);
    asOwnerOf(ids.first + 5, () => writeFileSync(`${target}/made`, 'x'));
    // Nobody of this machine is anybody there.
    expect(() => writeFileSync(`${target}/by-us`, 'x')).toThrow('EOVERFLOW');
  });
  expect(statSync(`${source}/file`)).toMatchObject({ uid: 33, gid: 34 });
  expect(statSync(`${source}/made`)).toMatchObject({ uid: 5, gid: 5 });
});

test('trying it leaves nothing; a file system that cannot do it says so', () => {
  const { source } = places();
  const before = mountsOf(source);
  withUserNamespace(ids, (userNamespace) => {
    tryIdmapped(source, userNamespace);
    expect(() => tryIdmapped('/proc', userNamespace)).toThrow('EINVAL');
    expect(() => tryIdmapped(`${source}/none`, userNamespace)).toThrow('ENOENT');
  });
  expect(mountsOf(source)).toEqual(before);
});

test('who has a file opened as unchangeable reads it, and changes neither its mode nor its owner, even as root', () => {
  const { source } = places();
  const before = mountsOf(source);
  const fd = openUnchangeable(`${source}/file`);
  try {
    expect(readSync(fd, Buffer.alloc(8))).toBe(1);
    expect(() => fchmodSync(fd, 0o600)).toThrow('EROFS');
    expect(() => fchownSync(fd, 33, 33)).toThrow('EROFS');
    // Opened again, as through /dev/stdin.
    const again = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY);
    expect(() => fchmodSync(again, 0o600)).toThrow('EROFS');
    closeSync(again);
  } finally {
    closeSync(fd);
  }
  expect(statSync(`${source}/file`)).toMatchObject({ uid: 33, gid: 34 });
  expect(mountsOf(source)).toEqual(before);
});

test('as the owner of files one is what one was before, afterwards', () => {
  const before = [capabilities(), owner()];
  asOwnerOf(ids.first, () => {
    expect(capabilities()).toBe(before[0]);
    expect(owner()).toMatch(/\t700000000$/);
  });
  expect(() => asOwnerOf(ids.first, () => { throw new Error('in between'); })).toThrow('in between');
  expect([capabilities(), owner()]).toEqual(before);
});
