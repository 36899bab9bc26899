// npm test: preflight, setup, build, check, then the tests. The last line is `N passed, N failed`.
//   --target=debian12|debian13   root of the box for whole-system tests (default debian12, the machine's own)
//   --only=unit|faults|system|images|clients|vm|campaign|oracle   one kind of tests, without the check; --campaign is --only=campaign
// --only=oracle generates other input each time, and says first from which WAKESOCK_ORACLE_SEED, in WAKESOCK_ORACLE_ROUNDS rounds.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
// Node reads the file at each start: 65 ms more, in figures that are about start-up.
delete process.env.NODE_EXTRA_CA_CERTS;

const kinds = ['unit', 'faults', 'system', 'images', 'clients', 'vm', 'campaign', 'oracle'];
let passed = 0;
let failed = 0;

/** @returns the exit code. Standard input is closed: nothing here asks anything. */
function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.once('error', reject).once('exit', (code) => resolve(code ?? 1));
  });
}

async function step(name, script, ...args) {
  if (await run(process.execPath, [script, ...args]) === 0) return true;
  console.error(`test: ${name} failed`);
  failed += 1;
  return false;
}

async function check() {
  const results = [
    await run(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json']),
    await run(process.execPath, ['node_modules/oxlint/bin/oxlint', '--deny-warnings']),
  ];
  if (results.some((code) => code !== 0)) {
    console.error('test: check (types, lint) failed');
    failed += 1;
  }
}

/** What did not run did not pass: a file that does not load, a test that was skipped, a box that did not boot. */
function count(report) {
  for (const file of report.testResults) {
    const before = failed;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1;
      else {
        failed += 1;
        tellFailed(test.status === 'failed' ? 'failed' : `${test.status}, counted as failed`, test.fullName, file, test.failureMessages?.[0]);
      }
    }
    if (file.status !== 'passed' && failed === before) {
      failed += 1;
      tellFailed('failed', 'the file as a whole', file, file.message);
    }
  }
}

/** A line for each at the end of a suite, which `.ci/run` says again at its own end: of a log, often only the end is kept. */
function tellFailed(how, what, file, message = '') {
  const reason = stripVTControlCharacters(message).split('\n')[0].slice(0, 300);
  console.error(`test: ${how}: ${what} (${relative('.', file.name)})${reason && `: ${reason}`}`);
}

async function vitest(projects, target, env = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'wakesock-test-'));
  const output = join(directory, 'report.json');
  const failedBefore = failed;
  try {
    const code = await run(process.execPath, [
      'node_modules/vitest/vitest.mjs', 'run', ...projects.map((name) => `--project=${name}`),
      '--reporter=default', '--reporter=json', `--outputFile.json=${output}`,
    ], { WAKESOCK_TEST_TARGET: target, ...env });
    try {
      count(JSON.parse(readFileSync(output, 'utf8')));
    } catch (error) {
      console.error(`test: no report of the ${projects.join(' and ')} tests (${error.message})`);
    }
    if (code !== 0 && failed === failedBefore) {
      console.error(`test: vitest ended with exit code ${code} for ${projects.join(' and ')}`);
      failed += 1;
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function readOptions() {
  const { values } = parseArgs({ options: { target: { type: 'string', default: 'debian12' }, only: { type: 'string' }, campaign: { type: 'boolean' } } });
  const only = values.campaign ? 'campaign' : values.only;
  if (!['debian12', 'debian13'].includes(values.target)) throw new Error(`Expected --target=debian12 or debian13, got ${values.target}`);
  if (only !== undefined && !kinds.includes(only)) throw new Error(`Expected --only= one of ${kinds.join(', ')}, got ${only}`);
  return { target: values.target, only };
}

async function main() {
  const { target, only } = readOptions();
  // In this order: nothing is installed where the tests cannot run.
  if (!await step('preflight', 'scripts/preflight.mjs', ...only === 'vm' ? ['--vm'] : [])) return;
  if (!await step('setup', 'scripts/setup.mjs', `--target=${target}`, ...['images', 'clients', 'vm'].includes(only) ? [`--${only}`] : [])) return;
  if (!await step('build', 'scripts/build.mjs')) return;
  if (only === undefined) await check();
  if (only === undefined) await vitest(['unit', 'faults'], target);
  // On their own: a busy neighbour would show in their times.
  await vitest([only ?? 'system'], target, only === 'oracle' ? oracleEnvironment() : {});
}

/** Three to four minutes on a quiet machine. The same seed gives the same input. */
function oracleEnvironment() {
  const { WAKESOCK_ORACLE_SEED = String(randomInt(2 ** 31)), WAKESOCK_ORACLE_ROUNDS = '20' } = process.env;
  console.log(`oracle: WAKESOCK_ORACLE_SEED=${WAKESOCK_ORACLE_SEED} WAKESOCK_ORACLE_ROUNDS=${WAKESOCK_ORACLE_ROUNDS}`);
  return { WAKESOCK_ORACLE_SEED, WAKESOCK_ORACLE_ROUNDS };
}

try {
  await main();
} catch (error) {
  console.error(`test: ${error.message}`);
  failed += 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
