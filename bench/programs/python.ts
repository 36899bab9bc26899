/** Python's sockets, by the distribution's Python. */
import { existsSync } from 'node:fs';
import { type Program, Unavailable } from '../types.ts';

const interpreter = '/usr/bin/python3';

export const python: Program = {
  name: 'python',
  port: 8080,
  prepare({ options: { checkout } }) {
    if (!existsSync(interpreter)) throw new Unavailable(`${interpreter} is not there`);
    return {
      container: [`Volume=${checkout}/bench/programs:/srv/bench:ro`, `Exec=${interpreter} /srv/bench/python-server.py`],
      own: ['Root=host'],
    };
  },
};
