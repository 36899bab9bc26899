// npm run bench: preflight, setup, build, then bench/main.ts. Options: npm run bench -- --help
//   --bundle-only   only .cache/bench-*.mjs, for the tests
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
// Node reads the file at each start: 65 ms more, in figures that are about start-up.
delete process.env.NODE_EXTRA_CA_CERTS;

const args = process.argv.slice(2);

function node(...argv) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit'] });
    // Ctrl-C is the child's as well: it cleans up, we wait for it.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.once('error', reject).once('exit', (code) => resolve(code ?? 1));
  });
}

/** Node 20 reads no TypeScript. */
async function bundle() {
  const bundle = await rolldown({
    input: { 'bench-main': 'bench/main.ts', 'bench-run': 'bench/run.ts', 'bench-client': 'bench/harness/client.ts' },
    platform: 'node', external: ['koffi'], logLevel: 'warn',
  });
  await bundle.write({ dir: '.cache', format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: 'bench-chunk-[name].mjs' });
  await bundle.close();
}

function targets() {
  const value = args.find((each) => each.startsWith('--target='))?.slice('--target='.length);
  if (args.includes('--host')) return [];
  if (value === undefined && (args.includes('--quick') || args.includes('--readme'))) return ['debian12'];
  return value?.split(',') ?? ['debian12', 'debian13'];
}

async function prepare() {
  if (!args.includes('--host') && await node('scripts/preflight.mjs') !== 0) return false;
  for (const target of targets()) if (await node('scripts/setup.mjs', `--target=${target}`) !== 0) return false;
  return args.includes('--no-build') || await node('scripts/build.mjs') === 0;
}

async function main() {
  const only = args.includes('--bundle-only');
  const asks = ['--help', '-h', '--compare', '--no-run'].some((option) => args.includes(option));
  if (!only && !asks && !await prepare()) return 1;
  await bundle();
  return only ? 0 : node('.cache/bench-main.mjs', ...args);
}

process.exitCode = await main().catch((error) => {
  console.error(`bench: ${error.message}`);
  return 1;
});
