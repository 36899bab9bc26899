import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { WakesockError } from '../base/errors.ts';
import type { Manager } from '../systemd/manager.ts';
import { controlSocketUnitName, frontServiceUnitName, leaseSocketUnitName, serviceUnitName } from '../systemd/unit-names.ts';
import { outOfReach } from './out-of-reach.ts';
import { startSockets } from './start-sockets.ts';
import { requireRoot, systemUnitDir } from './system.ts';
import { installedFiles, sysusersPath, sysusersTemplate, type InstalledFile } from './unit-templates.ts';
import type { Verb, VerbContext } from './verb.ts';
import { wouldWrite, writeOurs, type FileChange } from './written-files.ts';

export const verb: Verb = {
  name: 'install',
  summary: 'Puts the units of wakesock in place and opens the control socket.',
  usage: 'wakesock install [OPTION…]',
  options: [
    ['--prefix=DIR', 'Another root directory, such as an image\'s: files only, nothing is run or started.'],
    ['--dry-run', 'Say what would be done, and do nothing.'],
    ['--json', 'Print {"files":[{"path","change"}]}; change is "written" or "unchanged".'],
  ],
  details: `
Writes ${systemUnitDir}/wakesock.{service,socket,slice}, wakesock-lease.socket, wakesock-front.{service,socket}, wakesock-relay@.service and wakesock-auto-update.{service,timer}
with the paths of this Node and this program, and ${sysusersPath}; makes the groups wakesock, whose members may use the control socket, and wakesock-lease, which is
the front door's; enables and starts wakesock.socket, which brings wakesock-lease.socket along, nothing else (the front door: systemctl enable --now wakesock-front.socket; new images once a day: wakesock-auto-update.timer). Call it again after an update of Node or wakesock: sites that are awake stay awake.`,
  parse: { prefix: { type: 'string' }, 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } },
  async run(context, values, positionals) {
    if (positionals[0] !== undefined) throw new WakesockError('ERR_WAKESOCK_USAGE', `install takes no sites, got ${positionals[0]}; those are enabled: wakesock enable ${positionals[0]}`);
    const dryRun = values['dry-run'] === true;
    const print = printerOf(context, values['json'] === true, dryRun);
    if (typeof values['prefix'] === 'string') {
      installBelow(resolve(values['prefix']), dryRun, print);
    } else {
      if (!dryRun) requireRoot('install');
      await installHere(context, dryRun, print);
      warnOfFront(context);
    }
    print.end();
    return 0;
  },
};

interface Printer {
  file(path: string, change: FileChange): void;
  step(text: string): void;
  end(): void;
}

function installBelow(prefix: string, dryRun: boolean, print: Printer): void {
  const { node, program } = ownPaths();
  // The units' own lines for a newer systemd are left out: which one the other root has is not known.
  writeFiles(installedFiles({ node, program, systemdVersion: null }), prefix, dryRun, print);
  const wants = `${systemUnitDir}/sockets.target.wants`;
  print.step(`enable ${controlSocketUnitName}`);
  if (dryRun) return;
  mkdirSync(`${prefix}${wants}`, { recursive: true });
  if (!existsSync(`${prefix}${systemUnitDir}/${controlSocketUnitName}`)) return;
  try {
    symlinkSync(`${systemUnitDir}/${controlSocketUnitName}`, `${prefix}${wants}/${controlSocketUnitName}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function installHere(context: VerbContext, dryRun: boolean, print: Printer): Promise<void> {
  const { createManager } = await import('../systemd/manager.ts');
  const manager = createManager();
  try {
    const files = installedFiles({ ...ownPaths(), systemdVersion: await versionOf(manager) });
    print.step('make the groups wakesock and wakesock-lease');
    // Before the units that have them: without its group a unit does not start, and the power may be cut in between.
    if (!dryRun) await makeGroups();
    const changed = writeFiles(files, '', dryRun, print);
    print.step('reload systemd');
    print.step(`enable and start ${controlSocketUnitName}`);
    if (dryRun) return;
    mkdirSync(context.paths.siteDirs[0] ?? '/etc/wakesock/sites', { recursive: true });
    const linked = await manager.enableUnitFiles([controlSocketUnitName]);
    if (changed || linked) await manager.reload();
    await startOwnSockets(manager, changed);
    if (changed) await manager.tryRestartUnit(frontServiceUnitName);
  } finally {
    manager.close();
  }
}

/** It would be started and fail, over and over, at the first request that comes to it. */
function warnOfFront({ stderr }: VerbContext): void {
  for (const path of Object.values(ownPaths())) {
    const why = outOfReach(path);
    if (why !== null) stderr.write(`wakesock: warning: the front door (${frontServiceUnitName}) cannot use ${path}: ${why}. Everything else works.\n`);
  }
}

/** An activator of before the update steps aside for one of after it; sites stay awake. */
async function startOwnSockets(manager: Manager, changed: boolean): Promise<void> {
  const sockets = [leaseSocketUnitName, controlSocketUnitName];
  const active = new Set((await manager.listUnits(sockets)).filter(({ activeState }) => activeState === 'active').map(({ name }) => name));
  const down = sockets.filter((name) => !active.has(name));
  if (down.length > 0) {
    for (const [, failure] of await startSockets(manager, down)) throw failure;
  } else if (changed) {
    await manager.tryRestartUnit(serviceUnitName);
  }
}

function writeFiles(files: readonly InstalledFile[], prefix: string, dryRun: boolean, print: Printer): boolean {
  // All are looked at before the first is written.
  const changes = files.map(({ path, text }) => ({ path: `${prefix}${path}`, text, change: wouldWrite(`${prefix}${path}`, text) }));
  for (const { path, text, change } of changes) {
    if (!dryRun) writeOurs(path, text);
    print.file(path, change);
  }
  return changes.some(({ change }) => change === 'written');
}

async function makeGroups(): Promise<void> {
  try {
    await promisify(execFile)('systemd-sysusers', [sysusersTemplate(ownPaths().program)]);
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_SYSTEMD', `systemd-sysusers could not make the groups wakesock and wakesock-lease: ${(error as Error).message.trim()}`, { cause: error });
  }
}

async function versionOf(manager: Manager): Promise<number | null> {
  const version = Number.parseInt(String(await manager.getProperty('Version')), 10);
  return Number.isNaN(version) ? null : version;
}

/** Real paths: a version manager's shims and links of today may be gone tomorrow, or need a login shell. */
function ownPaths(): { node: string; program: string } {
  return { node: realpathSync(process.execPath), program: realpathSync(process.argv[1] ?? '') };
}

function printerOf({ stdout }: VerbContext, json: boolean, dryRun: boolean): Printer {
  const files: { path: string; change: FileChange }[] = [];
  return {
    file(path, change) {
      files.push({ path, change });
      if (!json) stdout.write(`${change === 'unchanged' ? 'unchanged  ' : dryRun ? 'would write' : 'written    '}  ${path}\n`);
    },
    step(text) {
      if (!json && dryRun) stdout.write(`would ${text}\n`);
    },
    end() {
      if (json) stdout.write(`${JSON.stringify({ files })}\n`);
    },
  };
}
