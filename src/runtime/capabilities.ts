/** Which capabilities a program has: podman's rules and defaults. */
import { WakesockError } from '../base/errors.ts';
import type { OciCapabilities } from './oci.ts';

/** capabilities(7), in the kernel's order, so that the index is the bit in `CapBnd` of proc_pid_status(5). */
export const allCapabilities = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE',
  'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN',
  'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE',
  'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

/** podman's `default_capabilities` (containers.conf(5)). */
export const defaultCapabilities = [
  'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT',
].map((name) => `CAP_${name}`);

/** The set as the kernel has it: a bit for each. */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(allCapabilities.indexOf(name))), 0n);
}

export interface CapabilityChoice {
  /** With or without `CAP_`, any case; `all`. */
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly uid: number;
  /** Those that this machine lets us give away; `all` means all of these. */
  readonly available: readonly string[];
}

/** @throws WakesockError `ERR_WAKESOCK_NOT_SUPPORTED` for a capability that is unknown, or not ours to give */
export function chooseCapabilities({ add, drop, uid, available }: CapabilityChoice): OciCapabilities {
  const added = expand(add, 'AddCapability', available);
  const dropped = new Set(expand(drop, 'DropCapability', allCapabilities));
  for (const capability of added) {
    if (available.includes(capability)) continue;
    throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `AddCapability=${capability}: expected a capability that this machine has to give, its bounding set lacks this one`);
  }
  // As podman: what is added wins over `all` dropped, and a single name dropped wins over all added.
  const droppedAll = drop.some(isAll);
  const wanted = new Set([...droppedAll ? [] : defaultCapabilities.filter((name) => available.includes(name)), ...added]);
  const bounding = allCapabilities.filter((name) => wanted.has(name) && (droppedAll || !dropped.has(name)));
  if (uid === 0) return { bounding, effective: bounding, permitted: bounding, inheritable: [], ambient: [] };
  // Another user keeps only what was asked for by name; ambient carries it over execve.
  const own = bounding.filter((name) => added.includes(name));
  return { bounding, effective: own, permitted: own, inheritable: own, ambient: own };
}

/** The bounding set of a process, from the text of `/proc/PID/status`. */
export function boundingSet(status: string): string[] {
  const bits = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? 'ffffffffffffffff'}`);
  return allCapabilities.filter((_, index) => (bits >> BigInt(index)) & 1n);
}

function expand(names: readonly string[], key: string, all: readonly string[]): string[] {
  return names.flatMap((name) => {
    if (isAll(name)) return [...all];
    const upper = name.toUpperCase();
    const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (!allCapabilities.includes(full)) throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `${key}=${name}: expected a capability of capabilities(7) or \`all\``);
    return [full];
  });
}

function isAll(name: string): boolean {
  return name.toLowerCase() === 'all';
}
