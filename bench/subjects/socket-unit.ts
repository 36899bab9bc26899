/** What systemd does by itself: a socket unit whose service is `crun run`, which passes LISTEN_FDS on. The native floor. */
import { findProgram } from '../../src/runtime/find-program.ts';
import { writeBundle } from './crun-bundle.ts';
import { serviceUnit, socketUnit, unitSubject } from './units.ts';

export const socketUnitCrun = unitSubject({
  name: 'socket unit, crun',
  async make(program, bench, { id, port, directory }) {
    await writeBundle(directory, program, bench);
    const crun = `${findProgram('crun')} --cgroup-manager=disabled --root=${directory}/state`;
    return {
      units: {
        [`${id}.socket`]: socketUnit(port, `${id}.service`),
        // Killed through crun, which then clears away what it wrote.
        [`${id}.service`]: serviceUnit([`ExecStart=${crun} run --bundle=${directory} ${id}`, `ExecStop=-${crun} kill ${id} KILL`]),
      },
      services: [`${id}.service`],
      note: 'socket unit, crun: no limits, no scope of its own, started once for all clients; systemd\'s limits on how often are off.',
    };
  },
});
