// Can a test box be booted here? Runs before anything is installed, changes nothing; exit 1 says what is missing.
//   --vm   and a virtual machine?
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { freemem } from 'node:os';

/** Bit numbers of capabilities(7), each with what the box needs it for. */
const capabilities = {
  CAP_CHOWN: [0, 'directories of sites'],
  CAP_DAC_OVERRIDE: [1, 'files of other users in the copy-on-write root'],
  CAP_FOWNER: [3, 'modes of files of other users'],
  CAP_KILL: [5, 'stopping services of other users'],
  CAP_SETGID: [6, 'services and containers with a user of their own'],
  CAP_SETUID: [7, 'services and containers with a user of their own'],
  CAP_SETPCAP: [8, 'dropping capabilities of services and containers'],
  CAP_NET_BIND_SERVICE: [10, 'ports below 1024 in the box'],
  CAP_NET_ADMIN: [12, 'the network of the box'],
  CAP_SYS_CHROOT: [18, 'entering the box'],
  CAP_SYS_PTRACE: [19, 'taking descriptors from a container (pidfd_getfd)'],
  CAP_SYS_ADMIN: [21, 'namespaces, mounts, cgroups, seccomp listeners'],
  CAP_MKNOD: [27, 'device nodes of containers, deleted files in an overlay'],
  CAP_SETFCAP: [31, 'user namespaces of containers'],
};

const command = `npm ${process.env.npm_lifecycle_event === 'test' || !process.env.npm_lifecycle_event ? 'test' : `run ${process.env.npm_lifecycle_event}`}`;
const isContainer = existsSync('/.dockerenv') || existsSync('/run/.containerenv');
const inContainer = `docker run --privileged --cgroupns=private -v "$PWD:/wakesock" -w /wakesock node:22-bookworm sh -c 'npm ci && ${command}'`;

function problem() {
  if (process.platform !== 'linux') return { missing: `Expected Linux, got ${process.platform}`, instead: inContainer };
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) return { missing: `Expected Node 20.19 or later, got ${process.version}`, instead: `a newer Node, then: ${command}` };

  const status = readFileSync('/proc/self/status', 'utf8');
  const lackingIn = (set) => {
    const bits = BigInt(`0x${new RegExp(`^${set}:\\s*(\\w+)$`, 'm').exec(status)?.[1] ?? '0'}`);
    return Object.entries(capabilities).filter(([, [bit]]) => (bits >> BigInt(bit) & 1n) === 0n);
  };
  const lacking = lackingIn('CapEff');
  if (lacking.length > 0) {
    const list = lacking.map(([name, [, reason]]) => `  ${name} (${reason})`).join('\n');
    const who = process.geteuid() === 0 ? 'root in a container without them' : 'not root';
    // What the bounding set has, root would have.
    return { missing: `Missing capabilities (this is ${who}):\n${list}`, instead: lackingIn('CapBnd').length === 0 ? `sudo ${command}` : inContainer };
  }
  if (process.geteuid() !== 0) return { missing: 'Expected to run as root', instead: `sudo ${command}` };
  if (!/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))) {
    return { missing: 'Missing CAP_SYS_ADMIN in the machine\'s own user namespace: this is a user namespace of its own (rootless container)', instead: inContainer };
  }
  const noMachine = process.argv.includes('--vm') ? probeMachine() : undefined;
  if (noMachine !== undefined) return { missing: noMachine, instead: 'npm test, which needs no virtual machine' };
  const failed = probeCgroup() ?? probeNamespaces();
  return failed === undefined ? undefined : { missing: failed, instead: isContainer ? inContainer : `${inContainer}, or a virtual machine` };
}

/** QEMU needs nothing of the kernel: it emulates all of it. */
function probeMachine() {
  if (process.arch !== 'x64') return `Expected an x64 machine, whose Debian packages the virtual machine boots, got ${process.arch}`;
  const memoryBytes = freemem();
  return memoryBytes < 3 * 2 ** 30 ? `Expected 3 GiB of free memory for the virtual machine, got ${(memoryBytes / 2 ** 30).toFixed(1)} GiB` : undefined;
}

function probeCgroup() {
  const line = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((each) => / - cgroup2 /.test(each));
  if (line === undefined) return 'Missing: a mounted cgroup2 hierarchy (mount -t cgroup2 cgroup2 /sys/fs/cgroup)';
  const directory = `${line.split(' ')[4]}/wakesock-preflight-${process.pid}`;
  try {
    mkdirSync(directory);
    rmdirSync(directory);
    return undefined;
  } catch (error) {
    return `Missing CAP_SYS_ADMIN over cgroups: a cgroup cannot be made (${error.message}); the container needs --privileged`;
  }
}

/** Does for a moment what the box does: namespaces, an overlay of /, proc, sysfs and cgroup2. All of it is gone with the child. */
function probeNamespaces() {
  const script = `set -e
    step() { echo "$1" >&2; shift; "$@"; }
    step 'mount a tmpfs' mount -t tmpfs tmpfs /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    step 'mount an overlay of /' mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
    step 'mount proc' mount -t proc proc /mnt/root/proc
    step 'mount sysfs' mount -t sysfs sysfs /mnt/root/sys
    step 'mount cgroup2' mount -t cgroup2 cgroup2 /mnt/root/sys/fs/cgroup
    step 'use device nodes' sh -c 'mount -t tmpfs tmpfs /mnt/root/dev && touch /mnt/root/dev/null && mount --bind /dev/null /mnt/root/dev/null && : >/mnt/root/dev/null'`;
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--uts', '--ipc', '--cgroup', '--net', '--fork', '--kill-child'];
  const { status, stderr, error } = spawnSync('unshare', [...namespaces, 'sh', '-c', script], { encoding: 'utf8' });
  if (error !== undefined) return `Missing program: unshare (package util-linux): ${error.message}`;
  if (status === 0) return undefined;
  return `Missing CAP_SYS_ADMIN in effect: tried to make namespaces, then to\n${stderr.trim().split('\n').map((line) => `  ${line}`).join('\n')}\nand the last of these failed (seccomp or a security module may deny it)`;
}

const found = problem();
if (found !== undefined) {
  console.error(`preflight: a test box cannot be booted here.\n${found.missing}\nThis would work: ${found.instead}`);
  process.exitCode = 1;
}
