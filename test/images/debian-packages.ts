/** What images of real programs are built from: one Debian base and, for each program, the packages on top of it. Made once, kept in a cache. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { aptOptions } from '../box/apt-options.ts';
import { madeOnce } from '../box/made-once.ts';
import { findDebianMirror } from '../box/mirror.ts';

const run = promisify(execFile);

const suite = 'bookworm';
/** Debian packages, each the program of an image. */
export const imagePackages = ['nginx-light', 'redis-server', 'mariadb-server'] as const;

/** A directory with `base.tar` and `PACKAGE/*.deb`; fetched first where it is missing, which takes half a minute. */
export async function debianPackages(log: (line: string) => void): Promise<string> {
  const mirror = await findDebianMirror();
  return madeOnce('images', [suite, mirror.uri, imagePackages], async (unfinished, directory) => {
    await mkdir(unfinished, { recursive: true });
    log(`fetching Debian packages for images into ${directory} from ${mirror.uri} (once; half a minute and 200 MB)`);
    // By the base's own apt, before mmdebstrap takes its lists away.
    const fetch = `for package in ${imagePackages.join(' ')}; do
      chroot "$1" apt-get install --quiet --yes --no-install-recommends --download-only $package
      mkdir "$1/$package" && mv "$1"/var/cache/apt/archives/*.deb "$1/$package"
    done`;
    await run('mmdebstrap', [
      '--mode=root', '--variant=minbase', '--format=tar', ...(await aptOptions()).map((option) => `--aptopt=${option}`),
      `--customize-hook=${fetch}`, ...imagePackages.map((name) => `--customize-hook=copy-out /${name} ${unfinished}`), ...imagePackages.map((name) => `--customize-hook=rm -r "$1/${name}"`),
      suite, `${unfinished}/base.tar`, `deb ${mirror.options}${mirror.uri} ${suite} main`,
    ], { maxBuffer: 64 * 1024 * 1024 });
  });
}
