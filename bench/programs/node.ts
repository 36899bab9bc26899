/** A Node http server, by the Node that runs the benchmark. */
import { realpathSync } from 'node:fs';
import type { Program } from '../types.ts';

export const node: Program = {
  name: 'node',
  port: 8080,
  prepare({ options: { checkout } }) {
    const program = realpathSync(process.execPath);
    return {
      container: [
        `Volume=${checkout}/bench/programs:/srv/bench:ro`,
        // `Root=host` shows /usr only.
        ...program.startsWith('/usr/') ? [] : [`Volume=${program}:/opt/node:ro`],
        `Exec=${program.startsWith('/usr/') ? program : '/opt/node'} /srv/bench/node-server.cjs`,
      ],
      own: ['Root=host'],
    };
  },
};
