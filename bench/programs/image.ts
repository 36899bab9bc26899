/** The same program in an image of podman's storage, and on the host's root, beside the root that it has. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { findProgram } from '../../src/runtime/find-program.ts';
import { type Bench, type Program, Unavailable } from '../types.ts';

/** Nothing that the machine's /usr has: links to it, and who is root. */
const linksToUsr = ['bin', 'sbin', 'lib', 'lib64'] as const;
const made = new Set<string>();

export const imageName = (program: Program): string => `localhost/wakesock-bench-${program.name}:1`;

/** A program whose root is an image. One that has no root of its own sees the machine's /usr in it. @param lines more of `[Container]` */
export function inImage(program: Program, lines: readonly string[] = []): Program {
  return {
    ...program,
    name: `${program.name}-image`,
    prepare(bench) {
      const { container } = program.prepare(bench);
      const rootfs = valueOf(container, 'Rootfs');
      importImage(imageName(program), rootfs ?? skeleton(bench));
      return {
        container: [
          `Image=${imageName(program)}`, ...container.filter((line) => !line.startsWith('Rootfs=')), ...rootfs === null ? ['Volume=/usr:/usr:ro'] : [], ...lines,
        ],
        own: [],
      };
    },
  };
}

/** A program on the host's root. */
export function onHost(program: Program): Program {
  return {
    ...program,
    name: `${program.name}-host`,
    prepare(bench) {
      const { container, own } = program.prepare(bench);
      const rootfs = valueOf(container, 'Rootfs');
      if (rootfs === null) return { container, own };
      return { container: [`Volume=${rootfs}:/srv/bench:ro`, `Exec=/srv/bench${valueOf(container, 'Exec')}`], own: ['Root=host'] };
    },
  };
}

/** What `podman create` is told for the same. */
export function podmanArguments(program: Program, bench: Bench): string[] {
  const { container } = inImage(program).prepare(bench);
  return [
    ...container.filter((line) => line.startsWith('Volume=')).map((line) => `--v${line.slice(1)}`),
    imageName(program), ...(valueOf(container, 'Exec') ?? '').split(' '),
  ];
}

export function podman(): string {
  try {
    return findProgram('podman');
  } catch (error) {
    throw new Unavailable(`podman: ${(error as Error).message}`);
  }
}

/** All of {@link importImage}; podman's containers of them are gone by then. */
export function removeImages(): void {
  for (const name of made) execFileSync(podman(), ['rmi', '--force', name], { stdio: ['ignore', 'ignore', 'inherit'] });
  made.clear();
}

/** The files of a directory, as an image. @param changes instructions of a Containerfile */
export function importImage(name: string, root: string, changes: readonly string[] = []): void {
  if (made.has(name)) return;
  const archive = `${root}.tar`;
  execFileSync('tar', ['--create', `--file=${archive}`, `--directory=${root}`, '--owner=0', '--group=0', '.']);
  execFileSync(podman(), ['import', '--quiet', ...changes.map((change) => `--change=${change}`), archive, name], { stdio: ['ignore', 'ignore', 'inherit'] });
  rmSync(archive);
  made.add(name);
}

/** A root that has nothing but links to the machine's /usr, which is to be mounted there. */
export function skeleton({ directory }: Bench): string {
  const root = `${directory}/usr-root`;
  rmSync(root, { recursive: true, force: true });
  for (const name of ['etc', 'usr', 'srv', 'tmp']) mkdirSync(`${root}/${name}`, { recursive: true });
  for (const link of linksToUsr) symlinkSync(`usr/${link}`, `${root}/${link}`);
  writeFileSync(`${root}/etc/passwd`, 'root:x:0:0::/root:/bin/sh\n');
  // Node's ICU looks through all of /usr/share/zoneinfo where it is not told: 18 ms.
  symlinkSync('/usr/share/zoneinfo/Etc/UTC', `${root}/etc/localtime`);
  return root;
}

export function valueOf(lines: readonly string[], key: string): string | null {
  return lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? null;
}
