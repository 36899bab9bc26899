/** The packed product, installed in a machine as README tells a user to. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BoxTarget } from '../box/box.ts';
import { madeOnce } from '../box/made-once.ts';
import { readmeBlocks } from '../support/readme.ts';
import { debianDisk } from './machine/disk.ts';
import { bootMachine, type VirtualMachine } from './machine/machine.ts';

const run = promisify(execFile);
const checkout = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** In the machine: what a user has downloaded, and npm's cache of what that depends on. */
const downloads = '/root';

/** Powered off; its disk is there until it is stopped. */
export async function installedMachine(target: BoxTarget, log: (line: string) => void): Promise<VirtualMachine> {
  const directory = await mkdtemp(join(tmpdir(), 'wakesock-vm-files-'));
  try {
    const second = await packFiles(directory);
    const machine = await bootMachine({ disk: await debianDisk(target, log), second, log: (line) => log(`${target}: ${line}`) });
    try {
      await machine.run(['tar', '--extract', '--file=/dev/vdb', '--directory=/']);
      for (const command of installCommands()) {
        log(`${target}: ${command}`);
        await machine.run(['sh', '-ec', command]);
      }
      await machine.powerOff();
      return machine;
    } catch (error) {
      await machine.stop();
      throw error;
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Of README's "Installing", what follows on `npm pack`. */
function installCommands(): string[] {
  const block = readmeBlocks('Installing').find((text) => text.includes('npm pack')) ?? '';
  const [packing = '', ...others] = block.trim().split('\n');
  if (!packing.includes('npm pack') || !others.some((line) => line.startsWith('npm install')) || !others.includes('wakesock install')) {
    throw new Error(`Expected README to pack, \`npm install\` and \`wakesock install\`, found\n${block}`);
  }
  return others.map((command) => `cd ${downloads} && ${command}`);
}

/** One archive that the machine has as its second disk. */
async function packFiles(directory: string): Promise<string> {
  const home = `${directory}/root${downloads}`;
  await mkdir(home, { recursive: true });
  await run('npm', ['pack', '--silent', `--pack-destination=${home}`], { cwd: checkout });
  const { stdout: registry } = await run('npm', ['config', 'get', 'registry'], { cwd: checkout });
  // With these README's commands are word by word the user's.
  await writeFile(`${home}/.npmrc`, `offline=true\naudit=false\nfund=false\ncache=${downloads}/npm-cache\nregistry=${registry.trim()}\n`);
  const archive = `${directory}/files.tar`;
  const seenByTests = ['test/programs', 'test/support/client-agent.mjs'].map((path) => join(checkout, path).slice(1));
  await run('tar', [
    '--create', `--file=${archive}`, `--transform=s,^cache,.${downloads}/npm-cache,`, '-C', `${directory}/root`, '.', '-C', await npmCache(home), 'cache', '-C', '/', ...seenByTests,
  ]);
  return archive;
}

/** npm's cache after an installation on this machine: the one in the virtual machine needs no network. */
async function npmCache(home: string): Promise<string> {
  const { name, version, dependencies } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { name: string; version: string; dependencies: unknown };
  const { stdout: npm } = await run('npm', ['--version']);
  return madeOnce('npm', [dependencies, npm.trim(), process.version], async (unfinished) => {
    await run('npm', ['install', '--global', `--prefix=${unfinished}/prefix`, `--cache=${unfinished}/cache`, '--no-audit', '--no-fund', `${home}/${name}-${version}.tgz`]);
    await rm(`${unfinished}/prefix`, { recursive: true });
  });
}
