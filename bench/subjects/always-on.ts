/** The program alone, always running, without a container: what nothing that serves it can be faster than. */
import { realpathSync } from 'node:fs';
import { valueOf } from '../programs/image.ts';
import type { Bench, Program } from '../types.ts';
import { serviceUnit, socketUnit, unitSubject } from './units.ts';

export const alwaysOn = unitSubject({
  name: 'always on',
  async make(program, bench, { id, port }) {
    return {
      units: {
        [`${id}.socket`]: socketUnit(port, `${id}.service`),
        [`${id}.service`]: serviceUnit([`ExecStart=${commandOnMachine(program, bench)}`, 'KillSignal=SIGKILL']),
      },
      services: [`${id}.service`],
      awake: true,
      note: 'always on: the program as a plain service that never sleeps, given its socket by systemd.',
    };
  },
});

/** `Exec=` with the paths that the program's files have outside. */
function commandOnMachine(program: Program, bench: Bench): string {
  const { container } = program.prepare(bench);
  const rootfs = valueOf(container, 'Rootfs') ?? '';
  const volumes = container.filter((line) => line.startsWith('Volume=')).map((line) => line.slice('Volume='.length).split(':'));
  const words = (valueOf(container, 'Exec') ?? '').split(' ').map((word) => {
    const [source, target] = volumes.find(([, target = '']) => word === target || word.startsWith(`${target}/`)) ?? [];
    return source === undefined || target === undefined ? word : source + word.slice(target.length);
  });
  return [realpathSync(`${rootfs}${words[0]}`), ...words.slice(1)].join(' ');
}
