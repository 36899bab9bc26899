/** The Debian 13 root of the second target: made once by mmdebstrap, kept in a cache outside the checkout. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { aptOptions } from './apt-options.ts';
import { madeOnce } from './made-once.ts';
import { findDebianMirror } from './mirror.ts';

const run = promisify(execFile);

const suite = 'trixie';
/** What the box and the test sites need, each with its reason. */
const packages = {
  'systemd': 'the subject of the tests: PID 1',
  'systemd-sysv': 'systemd is what boots',
  'dbus': 'scopes are asked for over D-Bus',
  'crun': 'runs the containers',
  'python3': 'test sites',
  'redis-server': 'a site that does not speak HTTP',
  'redis-tools': 'its client',
  'busybox-static': 'roots of the smallest test sites',
  'podman': 'builds and keeps the images of test sites',
  'iproute2': 'the box\'s own network, ss',
  'passt': 'Network=pasta',
  'netavark': 'networks of podman\'s',
  'aardvark-dns': 'names on them',
  'nftables': 'tests look at what netavark left',
  'iptables': 'netavark\'s rules, where it does not use nftables',
  'kmod': 'systemd asks it for modules',
  'procps': 'ps, for whoever looks into a box',
  'util-linux': 'mount, setpriv, unshare',
  'libstdc++6': 'Node, which is the machine\'s own binary',
  'libatomic1': 'Node 25 and later',
  'ca-certificates': 'Node with system certificates',
  'curl': 'a client of the front door',
} as const;

/** Directory of the Debian 13 root; made first where it is missing, which takes a quarter of a minute. */
export async function debian13Root(log: (line: string) => void): Promise<string> {
  const mirror = await findDebianMirror();
  const names = Object.keys(packages);
  return madeOnce('debian13', [suite, mirror.uri, names], async (unfinished, root) => {
    log(`making a Debian 13 root in ${root} from ${mirror.uri} (once; a quarter of a minute and 220 MB)`);
    await run('mmdebstrap', [
      '--mode=root', '--variant=minbase', `--include=${names.join(',')}`,
      ...(await aptOptions()).map((option) => `--aptopt=${option}`),
      suite, unfinished, `deb ${mirror.options}${mirror.uri} ${suite} main`,
    ], { maxBuffer: 64 * 1024 * 1024 });
  });
}
