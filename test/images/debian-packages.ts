/** What images of real programs are built from: one Debian base and, for each program, the packages on top of it. Made once, kept in a cache. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { aptOptions } from '../box/apt-options.ts';
import { madeOnce } from '../box/made-once.ts';
import { findDebianMirror } from '../box/mirror.ts';

const run = promisify(execFile);

const suite = 'bookworm';
/** Debian packages of each image, less those of the base. */
export const imagePackages = {
  nginx: 'nginx-light',
  redis: 'redis-server',
  mariadb: 'mariadb-server',
  apache: 'apache2 libapache2-mod-php',
  flask: 'gunicorn python3-flask',
  node: 'nodejs',
  ruby: 'ruby ruby-webrick',
  caddy: 'caddy',
  busybox: 'busybox-static',
} as const;

/** A directory with `base.tar` and `IMAGE/*.deb`; fetched first where it is missing, which takes a minute. */
export async function debianPackages(log: (line: string) => void): Promise<string> {
  const mirror = await findDebianMirror();
  return madeOnce('images', [suite, mirror.uri, imagePackages], async (unfinished, directory) => {
    await mkdir(unfinished, { recursive: true });
    log(`fetching Debian packages for images into ${directory} from ${mirror.uri} (once; a minute and 300 MB)`);
    // By the base's own apt, before mmdebstrap takes its lists away.
    const fetch = Object.entries(imagePackages).map(([image, names]) => [
      `chroot "$1" apt-get install --quiet --yes --no-install-recommends --download-only ${names}`,
      `mkdir "$1/${image}"`, `mv "$1"/var/cache/apt/archives/*.deb "$1/${image}"`,
    ].join(' && ')).join(' && ');
    const images = Object.keys(imagePackages);
    await run('mmdebstrap', [
      '--mode=root', '--variant=minbase', '--format=tar', ...(await aptOptions()).map((option) => `--aptopt=${option}`),
      `--customize-hook=${fetch}`, ...images.map((name) => `--customize-hook=copy-out /${name} ${unfinished}`), ...images.map((name) => `--customize-hook=rm -r "$1/${name}"`),
      suite, `${unfinished}/base.tar`, `deb ${mirror.options}${mirror.uri} ${suite} main`,
    ], { maxBuffer: 64 * 1024 * 1024 });
  });
}
