import { readFile, stat } from 'node:fs/promises';

/** File systems that hold nothing of the machine's own: the box mounts its own, or needs none. */
const pseudo = new Set([
  'autofs', 'binfmt_misc', 'bpf', 'cgroup', 'cgroup2', 'configfs', 'debugfs', 'devpts', 'devtmpfs', 'efivarfs', 'fusectl',
  'hugetlbfs', 'mqueue', 'nsfs', 'proc', 'pstore', 'ramfs', 'rpc_pipefs', 'securityfs', 'sysfs', 'tmpfs', 'tracefs',
]);

interface Mount {
  readonly target: string;
  readonly type: string;
}

/** The mounts this process sees, by proc_pid_mountinfo(5). */
async function readMounts(): Promise<Mount[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text.trimEnd().split('\n').map((line) => {
    const fields = line.split(' ');
    const target = (fields[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
    return { target, type: fields[fields.indexOf('-') + 1] ?? '' };
  });
}

/** Where the unified hierarchy is mounted: `/sys/fs/cgroup`, or `/sys/fs/cgroup/unified` on a hybrid machine. */
export async function findCgroup2(): Promise<string> {
  const found = (await readMounts()).find((mount) => mount.type === 'cgroup2');
  if (found === undefined) throw new Error('Expected a mounted cgroup2 hierarchy, found none');
  return found.target;
}

/**
 * What is mounted separately from `/` and is part of the machine's files: an overlay of `/` does not see it.
 * Directories become copy-on-write views, single files (a container's /etc/hosts) are bound.
 */
export async function separateMounts(): Promise<string[]> {
  const targets = new Set((await readMounts())
    .filter((mount) => !pseudo.has(mount.type) && !/^\/(?:$|(?:proc|sys|dev|run|tmp)(?:\/|$))/.test(mount.target))
    .map((mount) => mount.target));
  const binds: string[] = [];
  for (const target of [...targets].toSorted((a, b) => a.length - b.length)) {
    const found = await stat(target).catch(() => undefined);
    if (found !== undefined) binds.push(`${found.isDirectory() && !/[:,\\]/.test(target) ? 'cow' : 'ro'}:${target}`);
  }
  return binds;
}
