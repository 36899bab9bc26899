/** The disk of a virtual machine as a user's would be before wakesock is there: Debian with its cloud kernel, Node with npm. Made once by mmdebstrap. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { aptOptions } from '../../box/apt-options.ts';
import type { BoxTarget } from '../../box/box.ts';
import { madeOnce } from '../../box/made-once.ts';
import { findDebianMirror } from '../../box/mirror.ts';

const run = promisify(execFile);

export interface Disk {
  readonly kernel: string;
  readonly initrd: string;
  /** Never written to: whoever boots from it has a layer of its own on top. */
  readonly image: string;
  readonly format: 'raw' | 'qcow2';
}

const suites: Readonly<Record<BoxTarget, string>> = { debian12: 'bookworm', debian13: 'trixie' };
/** Each with its reason. */
const packages = {
  'linux-image-cloud-amd64': 'the kernel, with every controller',
  'initramfs-tools': 'what finds the root',
  'systemd': 'the subject of the tests: PID 1',
  'systemd-sysv': 'systemd is what boots',
  'udev': 'disks and the port of the agent',
  'dbus': 'scopes are asked for over D-Bus',
  'crun': 'runs the containers',
  'python3': 'test sites',
  'podman': 'builds and keeps the images of test sites',
  'passt': 'networks of sites',
  'uidmap': 'user namespaces of podman',
  'busybox-static': 'roots of the smallest test sites',
  'iproute2': 'ss',
  'curl': 'the client of README\'s first site',
  'kmod': 'modules',
  'procps': 'ps, for whoever looks in',
  'util-linux': 'mount, unshare',
  'e2fsprogs': 'looks through the disk after a power cut',
  'libstdc++6': 'Node, which is the machine\'s own binary',
  'libatomic1': 'Node 25 and later',
  'ca-certificates': 'Node with system certificates',
} as const;
/** What would run beside the subject: timers, consoles, podman's own services. */
const unitsOff = [
  'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'e2scrub_reap.service', 'fstrim.timer', 'getty@tty1.service',
  'podman.socket', 'podman.service', 'podman-auto-update.service', 'podman-auto-update.timer', 'podman-restart.service', 'podman-clean-transient.service', 'systemd-pstore.service',
];
const diskSize = '6G';
const agentDirectory = 'usr/local/lib/wakesock-test';

/** Where Node is, in the virtual machine as on this one. */
export async function nodeProgram(): Promise<string> {
  return realpath(process.execPath);
}

/** The prefix of what npm installs for all. */
export async function nodePrefix(): Promise<string> {
  return dirname(dirname(await nodeProgram()));
}

/** Made first where it is missing, which takes a minute. */
export async function debianDisk(target: BoxTarget, log: (line: string) => void): Promise<Disk> {
  const mirror = await findDebianMirror();
  const npm = await npmDirectory();
  const here = dirname(fileURLToPath(import.meta.url));
  const agent = await readFile(join(here, 'agent.mjs'), 'utf8');
  const unit = (await readFile(join(here, 'agent.service'), 'utf8')).replace('NODE', await nodeProgram());
  const { version } = JSON.parse(await readFile(join(npm, 'package.json'), 'utf8')) as { version: string };

  const inputs = [suites[target], mirror.uri, Object.keys(packages), unitsOff, diskSize, process.version, version, agent, unit, initramfs];
  const directory = await madeOnce(`vm-${target}`, inputs, async (unfinished, finished) => {
    log(`making a disk of ${target} in ${finished} from ${mirror.uri} (once; a minute and 900 MB)`);
    const root = `${unfinished}/root`;
    await mkdir(unfinished);
    await run('mmdebstrap', [
      '--mode=root', '--variant=minbase', `--include=${Object.keys(packages).join(',')}`, ...(await aptOptions()).map((option) => `--aptopt=${option}`),
      `--essential-hook=${initramfs}`, suites[target], root, `deb ${mirror.options}${mirror.uri} ${suites[target]} main`,
    ], { maxBuffer: 64 * 1024 * 1024 });
    await addNode(root, npm);
    await addAgent(root, agent, unit);
    // What is enabled is linked: a target's directory of a unit that is not there may be missing, too.
    await run('systemctl', [`--root=${root}`, '--quiet', 'mask', ...unitsOff]);
    await writeFile(`${root}/etc/machine-id`, '');
    await writeFile(`${root}/etc/hostname`, 'vm\n');
    for (const name of ['vmlinuz', 'initrd.img']) await rename(await newest(`${root}/boot`, name), `${unfinished}/${name}`);
    // Sparse: what is not written to takes no room.
    await run('mke2fs', ['-q', '-t', 'ext4', '-E', 'nodiscard', '-d', root, `${unfinished}/disk.img`, diskSize]);
    await rm(root, { recursive: true });
  });
  return { kernel: `${directory}/vmlinuz`, initrd: `${directory}/initrd.img`, image: `${directory}/disk.img`, format: 'raw' };
}

/** Only what finds this disk. */
const initramfs = 'mkdir -p "$1/etc/initramfs-tools/conf.d" && printf "MODULES=list\\n" >"$1/etc/initramfs-tools/conf.d/wakesock" && printf "virtio_pci\\nvirtio_blk\\next4\\n" >"$1/etc/initramfs-tools/modules"';

async function newest(directory: string, name: string): Promise<string> {
  const [found] = (await readdir(directory)).filter((each) => each.startsWith(`${name}-`)).toSorted().toReversed();
  if (found === undefined) throw new Error(`Expected ${name} in ${directory}, found none`);
  return join(directory, found);
}

async function npmDirectory(): Promise<string> {
  const directory = join(await nodePrefix(), 'lib/node_modules/npm');
  await readFile(join(directory, 'package.json')).catch(() => { throw new Error(`Expected npm beside Node, in ${directory}, found none`); });
  return directory;
}

async function addNode(root: string, npm: string): Promise<void> {
  const prefix = await nodePrefix();
  await mkdir(`${root}${prefix}/bin`, { recursive: true });
  await mkdir(`${root}${prefix}/lib/node_modules`, { recursive: true });
  await cp(await nodeProgram(), `${root}${await nodeProgram()}`);
  await run('cp', ['--archive', npm, `${root}${prefix}/lib/node_modules/npm`]);
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', `${root}${prefix}/bin/npm`);
}

async function addAgent(root: string, agent: string, unit: string): Promise<void> {
  await mkdir(`${root}/${agentDirectory}`, { recursive: true });
  await writeFile(`${root}/${agentDirectory}/agent.mjs`, agent);
  await writeFile(`${root}/etc/systemd/system/wakesock-test-agent.service`, unit);
  await run('systemctl', [`--root=${root}`, '--quiet', 'enable', 'wakesock-test-agent.service']);
}
