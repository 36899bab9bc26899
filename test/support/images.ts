/** Images of test sites, built in the box by podman from what is there. */
import type { AttachedBox } from '../box/box.ts';

/** Lines of a Containerfile; paths of COPY are in `context`, a directory of the box. */
export async function buildImage(box: AttachedBox, name: string, lines: readonly string[], context = '/srv/build'): Promise<void> {
  await box.writeFile(`${context}/Containerfile`, `${lines.join('\n')}\n`);
  // Nobody here may raise a limit, which podman would.
  await box.run(['podman', 'build', '--quiet', '--ulimit=nofile=1024:1024', '--ulimit=nproc=1000:1000', '--tag', name, context]);
}

/**
 * A directory of the box to build from: a root whose programs are the machine's, mounted by {@link usrVolume}. So images of any
 * program are a few kilobytes, which no test waits for.
 */
export async function makeContext(box: AttachedBox, context = '/srv/build'): Promise<void> {
  await box.run(['sh', '-ec', `
    mkdir -p $0/root/etc $0/root/srv $0/root/tmp $0/root/usr
    for link in bin sbin lib lib64; do ln -sfn usr/$link $0/root/$link; done
    echo 'root:x:0:0::/root:/bin/sh' >$0/root/etc/passwd
    echo 'web:x:2001:2002::/srv:/bin/sh' >>$0/root/etc/passwd
    echo 'more:x:2003:web' >$0/root/etc/group
  `, context]);
}

export const usrVolume = '/usr:/usr:ro';
