// Builds dist/: the program as one bundle (start-up time is the product) and the libraries with their types;
// and .cache/box.mjs, the test box for programs that are not run by vitest (demo, benchmarks).
import { spawn } from 'node:child_process';
import { chmod, readdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const startMs = performance.now();

// It loads its addon from beside its own files.
const external = ['koffi'];

/** What `wakesock run` loads before the activator, in one file: opening each costs about 0.2 ms of every cold start. */
const runPath = {
  name: 'core',
  test: /src.(bin|cli.(main|verbs|run|arguments|options|paths)|base.[a-z]*|unitfile.(time-span|quote|utf8|value-error|socket-address|ip-address|integer)).ts|rolldown.runtime/,
};

/** What both a wake and the preparing of a site load, in one more. */
const sharedPath = { name: 'kernel', test: /src.(linux.(libc|constants|fd|mount-namespace|detached-mount|file-owner|user-namespace|mount-table)|runtime.(prepared|root-mount|private-mounts|secret-mount|mounts-below)).ts/ };

/**
 * What dbus-next loads on the way of every cold start for what src/systemd never asks for: XML for introspection (60 % of it
 * all), cryptography and files for cookies, processes for buses that are commands. Whoever comes to need them is told, by
 * the error of the first call.
 */
const unneededByDbus = {
  'fast-xml-parser': ['XMLParser'], 'fast-xml-builder': ['default'],
  'node:crypto': ['createHash', 'randomBytes'], 'node:fs/promises': ['access', 'readFile', 'stat'],
  'node:child_process': ['execFile', 'spawn'],
};
const leanDbus = {
  name: 'lean-dbus',
  resolveId: (id, importer = '') => (/dbus-next/.test(importer) && Object.hasOwn(unneededByDbus, id) ? `\0lean-dbus:${id}` : null),
  load: (id) => {
    const [, name] = /^\0lean-dbus:(.*)$/.exec(id) ?? [];
    if (name === undefined) return null;
    return `function notBundled() {
      if (!new.target) throw new Error('${name} is not bundled');
      this.parse = this.build = notBundled;
    }
    export { ${unneededByDbus[name].map((each) => `notBundled as ${each}`).join(', ')} };`;
  },
};

function onLog(level, log, handler) {
  handler(log.code === 'UNRESOLVED_IMPORT' ? 'error' : level, log);
}

/** What the front door loads for any of its sites, all told: the activator compiles it ahead. */
function frontFiles(output) {
  const chunks = new Map(output.filter(({ type }) => type === 'chunk').map((chunk) => [chunk.fileName, chunk]));
  const found = new Set();
  const add = (name) => {
    if (found.has(name)) return;
    found.add(name);
    chunks.get(name)?.imports.filter((each) => chunks.has(each)).forEach(add);
  };
  const ofModule = (path) => [...chunks.values()].find(({ moduleIds }) => moduleIds.some((id) => id.endsWith(path))).fileName;
  ['src/bin.ts', 'src/cli/front.ts', 'src/front/index.ts', 'src/front/relayed-only.ts', 'src/site/load-site.ts'].forEach((path) => add(ofModule(path)));
  return [...found];
}

async function bundleProgram() {
  if (!existsSync('src/bin.ts')) throw new Error('Expected src/bin.ts, the entry of the program, found none');
  const bundle = await rolldown({ input: { main: 'src/bin.ts' }, platform: 'node', external, treeshake: true, logLevel: 'warn', plugins: [leanDbus], onLog });
  const { output } = await bundle.write({
    dir: 'dist/chunks', format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name]-[hash].cjs', exports: 'auto', minify: false,
    codeSplitting: { groups: [runPath, sharedPath] },
  });
  await bundle.close();
  const loader = await rolldown({ input: { wakesock: 'src/loader.ts' }, platform: 'node', logLevel: 'warn', onLog });
  await loader.write({
    dir: 'dist', format: 'cjs', entryFileNames: '[name].cjs', minify: false, banner: '#!/usr/bin/env node', footer: `run(__dirname + '/chunks/main.cjs', ${JSON.stringify(frontFiles(output))}.map((name) => __dirname + '/chunks/' + name));`,
  });
  await loader.close();
  await chmod('dist/wakesock.cjs', 0o755);
}

async function bundleBox() {
  const bundle = await rolldown({ input: { box: 'test/box/box.ts' }, platform: 'node' });
  await bundle.write({ dir: '.cache', format: 'esm', entryFileNames: '[name].mjs' });
  await bundle.close();
}

function compileLibraries() {
  return new Promise((resolve, reject) => {
    const tsc = spawn(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
    tsc.once('error', reject).once('exit', (code) => code === 0 ? resolve() : reject(new Error('tsc -p tsconfig.build.json failed')));
  });
}

// Emptied, not removed: a running box has it in view.
for (const name of await readdir('dist').catch(() => [])) await rm(join('dist', name), { recursive: true });
try {
  // All are waited for: whatever is wrong is shown, not only the first.
  const results = await Promise.allSettled([bundleProgram(), bundleBox(), compileLibraries()]);
  const failed = results.filter((result) => result.status === 'rejected');
  for (const { reason } of failed) console.error(`build: ${reason.message}`);
  if (failed.length > 0) process.exitCode = 1;
  else console.log(`build: dist/ made in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}
