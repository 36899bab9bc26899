/**
 * Mounts that are made and changed before anybody sees them, open_tree(2) and mount_setattr(2); Linux 5.12. Idmapped: files belong
 * to others than on the disk, and no file is changed for it.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { AT_FDCWD, O_CLOEXEC } from './constants.ts';
import { addressOf, call } from './libc.ts';

const SYS_open_tree = 428;
const SYS_move_mount = 429;
const SYS_mount_setattr = 442;
const OPEN_TREE_CLONE = 1;
const AT_EMPTY_PATH = 0x1000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOUNT_ATTR_RDONLY = 0x1n;
const MOUNT_ATTR_NODEV = 0x4n;
const MOUNT_ATTR_IDMAP = 0x0010_0000n;
/** `struct mount_attr`: attr_set 0, attr_clr 8, propagation 16, userns_fd 24. */
const MOUNT_ATTR_BYTES = 32;

/** A copy of the mount of `path`, without what is mounted below it. It is mounted nowhere, and gone with who uses it. */
function cloneMount(path: string, attribute: bigint, userNamespace = 0): number {
  const [name, empty, attributes] = [cString(path), cString(''), Buffer.alloc(MOUNT_ATTR_BYTES)];
  attributes.writeBigUInt64LE(attribute, 0);
  attributes.writeBigUInt64LE(BigInt(userNamespace), 24);
  const tree = call('syscall', SYS_open_tree, AT_FDCWD, addressOf(name), OPEN_TREE_CLONE | O_CLOEXEC, 0, 0);
  try {
    call('syscall', SYS_mount_setattr, tree, addressOf(empty), AT_EMPTY_PATH, addressOf(attributes), MOUNT_ATTR_BYTES);
    return tree;
  } catch (error) {
    closeSync(tree);
    throw error;
  }
}

/** Whether {@link bindIdmapped} can be done; nothing stays. @throws SyscallError EINVAL where the file system cannot do it */
export function tryIdmapped(path: string, userNamespace: number): void {
  closeSync(cloneMount(path, MOUNT_ATTR_IDMAP, userNamespace));
}

/** Mounts `source` at `target`, which may be the same, nodev, so that what belongs to id N there belongs to what the namespace has for N. @throws SyscallError */
export function bindIdmapped(source: string, target: string, userNamespace: number): void {
  const tree = cloneMount(source, MOUNT_ATTR_IDMAP | MOUNT_ATTR_NODEV, userNamespace);
  const [name, empty] = [cString(target), cString('')];
  try {
    call('syscall', SYS_move_mount, tree, addressOf(empty), AT_FDCWD, addressOf(name), MOVE_MOUNT_F_EMPTY_PATH);
  } finally {
    closeSync(tree);
  }
}

/** Opens a file for reading, as lying on a read-only file system: whoever is given the descriptor can change neither mode nor owner. @throws SyscallError */
export function openUnchangeable(path: string): number {
  const tree = cloneMount(path, MOUNT_ATTR_RDONLY);
  try {
    return openSync(`/proc/self/fd/${tree}`, constants.O_RDONLY | O_CLOEXEC);
  } finally {
    closeSync(tree);
  }
}

function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}
