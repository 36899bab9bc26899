import { systemPaths } from './base/paths.ts';
import { main } from './cli/main.ts';

// A reader that went away (`wakesock status | head -1`) is no error, and no reason to stop half-way through a verb.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const { stdout, stderr, env } = process;
// Ended by hand: pipes, files and terminals are written synchronously on Linux, so nothing is cut off, and a handle
// that some library forgot cannot keep an activator alive that has nothing left to do.
void main(process.argv.slice(2), { stdout, stderr, env, paths: systemPaths }).then((code) => process.exit(code));
