import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { fileSystemOf, mountsBelow, parseMountTable, WatchedMountTable } from '../../../src/linux/mount-table.ts';
import { mountedDirectory } from '../image/fixtures.ts';

const text = `21 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
22 21 0:5 / /dev rw shared:2 master:3 - devtmpfs udev rw
23 21 8:2 / /srv rw - xfs /dev/sdb rw
24 23 8:3 / /srv/with\\040space rw - btrfs /dev/sdc rw
25 23 0:9 / /srv/data/new rw - tmpfs tmpfs rw
26 23 0:9 / /srv/data rw - tmpfs tmpfs rw
27 23 0:9 / /srv2 rw - nfs server:/x rw
`;

test('mount points and file systems, by proc_pid_mountinfo(5)', () => {
  const table = parseMountTable(text);
  expect(table[3]).toEqual({ target: '/srv/with space', type: 'btrfs' });
  expect(mountsBelow(table, '/srv')).toEqual(['/srv/data', '/srv/data/new', '/srv/with space']);
  expect(mountsBelow(table, '/srv/data')).toEqual(['/srv/data/new']);
  expect(mountsBelow(table, '/')).toHaveLength(6);
  expect([fileSystemOf(table, '/srv/data/new/x'), fileSystemOf(table, '/srv'), fileSystemOf(table, '/srv3'), fileSystemOf(table, '/srv/with space/x')]).toEqual(['tmpfs', 'xfs', 'ext4', 'btrfs']);
});

test('a watched table is read again when something has been mounted or unmounted, and not before', () => {
  const directory = mountedDirectory();
  mkdirSync(`${directory}/below`);
  const table = new WatchedMountTable();
  onTestFinished(() => table.close());
  const first = table.read();
  expect(mountsBelow(first, directory)).toEqual([]);
  expect(first).toContainEqual({ target: directory, type: 'tmpfs' });
  // Other tests mount things meanwhile: not at each of these moments.
  const reads = Array.from({ length: 100 }, () => table.read());
  expect(reads.some((read, index) => read === reads[index - 1])).toBe(true);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', `${directory}/below`]);
  expect(mountsBelow(table.read(), directory)).toEqual([`${directory}/below`]);
  execFileSync('umount', [`${directory}/below`]);
  expect(mountsBelow(table.read(), directory)).toEqual([]);
});
