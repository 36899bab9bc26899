import { systemPaths } from './base/paths.ts';
import { main } from './cli/main.ts';

// Before anything else: at this signal Node would open its debugger on a TCP port, and whoever connects runs what he likes.
process.on('SIGUSR1', () => {});

/** A reader that went away (`wakesock status | head -1`) is no error, and no reason to stop half-way through a verb. */
function quietOnEpipe<T extends NodeJS.WritableStream>(stream: T): T {
  return stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

// Made when they are first used: Node takes a millisecond for each, and `run` writes to neither.
let stdout: typeof process.stdout | undefined;
let stderr: typeof process.stderr | undefined;
const context = {
  get stdout() { return (stdout ??= quietOnEpipe(process.stdout)); },
  get stdin() { return process.stdin; },
  get stderr() { return (stderr ??= quietOnEpipe(process.stderr)); },
  env: process.env,
  paths: systemPaths,
};

/** What a pipe has not taken yet would be lost at the exit. */
function flushed(stream: NodeJS.WritableStream | undefined): Promise<void> {
  return new Promise((done) => {
    if (stream === undefined) done();
    else stream.write('', () => done());
  });
}

/** As the child of wake/epoll-mend.ts: not a verb, and nothing of the command line is loaded. */
async function addToEpoll(args: readonly string[]): Promise<number> {
  const { addInChild } = await import('./wake/epoll-mend.ts');
  addInChild(args);
  return 0;
}

const [verb, ...args] = process.argv.slice(2);
const done = verb === '--epoll-add' ? addToEpoll(args) : main(process.argv.slice(2), context);

// Ended by hand: a handle that some library forgot cannot keep an activator alive that has nothing left to do.
void done.then(async (code) => {
  await Promise.all([flushed(stdout), flushed(stderr)]);
  process.exit(code);
});
