// Installs the Debian packages of packages.mjs that are missing: says what and why first, starts none of their
// services and leaves none of them enabled.   node scripts/setup.mjs [--target=debian12|debian13] [--images] [--clients] [--vm]
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { packages } from './packages.mjs';

const target = process.argv.find((argument) => argument.startsWith('--target='))?.slice('--target='.length) ?? 'debian12';
const kinds = new Set(['images', 'clients', 'vm'].filter((kind) => process.argv.includes(`--${kind}`)));
const wanted = packages.filter((each) => (each.target === undefined && each.kinds === undefined) || each.target === target || each.kinds?.some((kind) => kinds.has(kind)));
const policy = '/usr/sbin/policy-rc.d';
const savedPolicy = `${policy}.before-wakesock`;
const policyMark = '# Written by wakesock\'s scripts/setup.mjs while it installs packages.';
let interrupted = false;

function hasProgram(program) {
  return ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/lib/podman', '/usr/libexec/podman'].some((directory) => {
    try { accessSync(`${directory}/${program}`, constants.X_OK); return true; } catch { return false; }
  });
}

function installedPackages() {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return new Set(stdout.split('\n').filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0]));
}

/** Asynchronous, so that a Ctrl-C (which apt-get gets as well) lets us put everything back. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    child.once('error', reject).once('exit', (code, signal) => resolve(signal === null ? code : 1));
  });
}

/** invoke-rc.d(8): 101 forbids the action. */
function forbidServices() {
  restoreServices(); // a run that was killed may have left its own
  if (existsSync(policy)) renameSync(policy, savedPolicy);
  writeFileSync(policy, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
}

function restoreServices() {
  if (existsSync(policy) && readFileSync(policy, 'utf8').includes(policyMark)) rmSync(policy);
  if (existsSync(savedPolicy)) renameSync(savedPolicy, policy);
}

function canInstall(names) {
  const { stdout, status } = spawnSync('apt-get', ['install', '--simulate', '--no-install-recommends', ...names], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  return status === 0 ? { removed: [...stdout.matchAll(/^Remv (\S+)/gm)].map(([, name]) => name) } : undefined;
}

async function install(missing) {
  const names = missing.map((each) => each.name);
  let plan = canInstall(names);
  if (plan === undefined) {
    console.log('setup: apt-get update, since apt does not know all of them');
    await run('apt-get', ['update']);
    plan = canInstall(names);
  }
  if (plan === undefined) throw new Error(`apt-get cannot install ${names.join(' ')}: see apt-get install --simulate ${names.join(' ')}`);
  const unexpected = plan.removed.filter((name) => !missing.some((each) => each.replaces === name));
  if (unexpected.length > 0) throw new Error(`Installing ${names.join(' ')} would remove ${unexpected.join(' ')}, which is not ours to decide`);
  for (const name of plan.removed) console.log(`setup: ${name} is replaced by ${missing.find((each) => each.replaces === name).name}, which does the same`);

  const apt = ['install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...names];
  let code = await run('apt-get', apt);
  // A mirror forgets old versions: lists that are too old name files that are gone.
  if (code !== 0 && !interrupted) {
    console.log('setup: that failed; once more after apt-get update');
    code = await run('apt-get', ['update']) || await run('apt-get', apt);
  }
  if (code !== 0) throw new Error(`apt-get install ${names.join(' ')} failed`);
  for (const { units } of missing) if (units !== undefined) await run('systemctl', ['--quiet', 'disable', ...units]);
}

async function main() {
  if (!existsSync('/etc/debian_version') || !hasProgram('apt-get')) {
    const missing = wanted.filter((each) => !hasProgram(each.program));
    if (missing.length === 0) return;
    throw new Error(`This is not Debian. Missing programs, to be installed by hand:\n${missing.map((each) => `  ${each.program} (${each.reason})`).join('\n')}`);
  }
  const installed = installedPackages();
  const missing = wanted.filter((each) => !installed.has(each.name));
  if (missing.length === 0) return;
  console.log('setup: installing Debian packages, from the mirrors of this machine\'s apt. None of their services is started or enabled.');
  for (const each of missing) console.log(`  ${each.name.padEnd(16)} ${each.reason}`);

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { interrupted = true; });
  forbidServices();
  try {
    await install(missing);
  } finally {
    restoreServices();
  }
  if (interrupted) throw new Error('interrupted');
}

try {
  await main();
} catch (error) {
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}
