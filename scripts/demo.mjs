// npm run demo: real programs as sites of a real systemd, asleep until somebody asks. Everything happens in the test box;
// nothing of the machine is changed but missing Debian packages installed (scripts/setup.mjs says which).
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { followJournal } from './demo/journal.mjs';
import { openScreen } from './demo/screen.mjs';
import { introduction, newModel, showDemo } from './demo/show.mjs';

const checkout = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(checkout);
// Node reads the file at each start: 65 ms more, in figures that are about start-up.
delete process.env.NODE_EXTRA_CA_CERTS;

class Interrupted extends Error {
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

/** Standard input is closed: nothing here asks anything. @returns whether it exited with 0; it has said why not. */
function step(script) {
  return new Promise((resolve, reject) => {
    spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit'] }).once('error', reject).once('exit', (code) => resolve(code === 0));
  });
}

function isBuilt() {
  const built = ['dist/wakesock.cjs', '.cache/box.mjs'];
  if (!built.every((path) => existsSync(path))) return false;
  const sources = ['src', 'test/box', 'units'].flatMap((directory) => readdirSync(directory, { recursive: true }).map((path) => join(directory, path)));
  const newestMs = Math.max(...[...sources, 'package-lock.json', 'scripts/build.mjs'].map((path) => statSync(path).mtimeMs));
  return built.every((path) => statSync(path).mtimeMs >= newestMs);
}

async function prepare() {
  return await step('scripts/preflight.mjs') && await step('scripts/setup.mjs') && (isBuilt() || await step('scripts/build.mjs'));
}

async function demo(interrupted) {
  const startMs = performance.now();
  const { bootBox } = await import('../.cache/box.mjs');
  console.log(introduction.join('\n'));
  const booting = bootBox({ target: 'debian12', log: (line) => console.log(`box: ${line}`) });
  let journal;
  let screen;
  try {
    const box = await Promise.race([booting, interrupted]);
    const model = newModel();
    screen = openScreen(model);
    journal = followJournal(box, (name, state) => {
      // Late by up to 250 ms (journald): what the clients saw themselves is newer.
      if (state !== 'draining' && state !== 'failed') return;
      model.rows.find((row) => row.name === name).state = state;
      screen.changed();
    });
    const summary = await Promise.race([showDemo({ box, checkout, model, screen, journal }), interrupted]);
    model.doing = undefined;
    screen.end();
    console.log(['', ...summary, `The demo took ${((performance.now() - startMs) / 1000).toFixed(1)} s.`].join('\n'));
  } catch (error) {
    screen?.end();
    if (!(error instanceof Interrupted) && journal !== undefined) console.error(`\nThe journal says:\n${await journal.last().catch((failure) => failure.message)}`);
    throw error;
  } finally {
    // A Ctrl-C while it boots: only what has booted can be stopped.
    await (await booting.catch(() => undefined))?.stop();
  }
}

// Once: a second Ctrl-C ends this at once, and the box with it.
const interrupted = new Promise((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => reject(new Interrupted(signal)));
});
interrupted.catch(() => undefined);

try {
  if (await prepare()) await demo(interrupted);
  else process.exitCode = 1;
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exitCode = error.exitCode ?? 1;
}
