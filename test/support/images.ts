/** Images of test sites, built in the box by podman from what is there. */
import type { Machine } from '../box/machine.ts';
import { programs } from './product.ts';
import { siteText, type SiteKeys } from './scene.ts';

/** Lines of a Containerfile; paths of COPY are in `context`, a directory of the box. */
export async function buildImage(box: Machine, name: string, lines: readonly string[], context = '/srv/build'): Promise<void> {
  await box.writeFile(`${context}/Containerfile`, `${lines.join('\n')}\n`);
  // Nobody here may raise a limit, which podman would.
  await box.run(['podman', 'build', '--quiet', '--ulimit=nofile=1024:1024', '--ulimit=nproc=1000:1000', '--tag', name, context]);
}

/**
 * A directory of the box to build from: a root whose programs are the machine's, mounted by {@link usrVolume}. So images of any
 * program are a few kilobytes, which no test waits for.
 */
export async function makeContext(box: Machine, context = '/srv/build'): Promise<void> {
  await box.run(['sh', '-ec', `
    mkdir -p $0/root/etc $0/root/srv $0/root/tmp $0/root/usr
    for link in bin sbin lib lib64; do ln -sfn usr/$link $0/root/$link; done
    echo 'root:x:0:0::/root:/bin/sh' >$0/root/etc/passwd
    echo 'web:x:2001:2002::/srv:/bin/sh' >>$0/root/etc/passwd
    echo 'more:x:2003:web' >$0/root/etc/group
  `, context]);
}

/** Not the box's own /usr, which is an overlay: such sites would have no user namespace. */
export const usrVolume = '/run/host/usr:/usr:ro';

/** A member of a layer's archive: test/programs/make_image.py. Neither data, link nor device: a directory. */
export interface LayerEntry {
  readonly name: string;
  readonly data?: string;
  /** A file of the box. */
  readonly copy?: string;
  readonly link?: string;
  readonly device?: readonly [number, number];
  readonly mode?: number;
  readonly uid?: number;
}

/** An image as no builder would make it. @returns what `Image=` says of it */
export async function makeImage(box: Machine, name: string, layers: readonly (readonly LayerEntry[])[], config: Readonly<Record<string, unknown>>): Promise<string> {
  const directory = `/srv/images/${name}`;
  await box.run(['rm', '-rf', directory]);
  await box.run(['/usr/bin/python3', `${programs}/make_image.py`, directory], { input: JSON.stringify({ layers, config }) });
  return `oci:${directory}`;
}

/** What {@link makeContext} makes, as entries. */
export const rootEntries: readonly LayerEntry[] = [
  ...['etc', 'srv', 'tmp', 'usr'].map((name) => ({ name })),
  ...['bin', 'sbin', 'lib', 'lib64'].map((name) => ({ name, link: `usr/${name}` })),
  { name: 'etc/passwd', data: 'root:x:0:0::/root:/bin/sh\nweb:x:2001:2002::/srv:/bin/sh\n', mode: 0o644 },
  { name: 'etc/group', data: 'more:x:2003:web\n', mode: 0o644 },
];

/** A site of an image with test/programs at /programs. What the keys do not say is the image's. */
export function imageSite(image: string, port: number, keys: SiteKeys = {}): string {
  const { Container = {}, 'X-Wakesock': wakesock = {}, ...others } = keys;
  const sections = {
    ...others, Container: { Image: image, Volume: [usrVolume, `${programs}:/programs:ro`], Environment: 'PYTHONDONTWRITEBYTECODE=1', ...Container },
    'X-Wakesock': { ListenStream: port, IdleSec: '5min', ...wakesock },
  };
  return siteText(sections);
}
